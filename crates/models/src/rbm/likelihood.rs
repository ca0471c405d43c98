//! log Z and likelihoods of machines, exact where that is possible and certified where it is not.

use ergodic_core::ArgumentError;
use ergodic_free_energy::{
    Ais, AisSettings, FreeEnergyError, Ladder, LogZ, Progress, Raise, RaiseDoubling, RaiseSettings,
};

use super::{BlockGibbs, MAX_ENUMERATED, Rbm, RbmPath, Unit};

/// What the exact sum is trusted to, relative to `1 + |log Z|`: the rounding of a chunked sum of
/// up to 2³⁰ positive terms and of the running inputs that restart every 4096 states.
const EXACT_ROUNDING: f64 = 1e-12;

impl<F: Unit> Rbm<F> {
    /// `log Z`: exact where the smaller layer has at most [`MAX_ENUMERATED`] units, else by AIS
    /// along [`RbmPath`] from `base_rates`.
    ///
    /// Computed in `f64` whatever `F` is (the parameters are exact in both), with
    /// [`RbmPath::rounding_allowance`] on top of the allowance of `settings`.
    ///
    /// # Errors
    /// If the base rates or a setting are out of their domain.
    ///
    /// ```
    /// use ergodic_free_energy::AisSettings;
    /// use ergodic_models::rbm::Rbm;
    ///
    /// let rbm = Rbm::<f32>::from_base_rates(&[0.3; 40], 35, 0.05, 1)?;
    /// let log_z = rbm.log_z(&[0.3; 40], &AisSettings::default(), &|_| ())?;
    /// assert!(log_z.lower.unwrap().value <= log_z.estimate.value);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_z(
        &self,
        base_rates: &[f64],
        settings: &AisSettings,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<LogZ, FreeEnergyError> {
        if self.visible().min(self.hidden()) <= MAX_ENUMERATED {
            let value = self.log_z_exact()?;
            return Ok(LogZ::exact(value, EXACT_ROUNDING * (1.0 + value.abs()))?);
        }
        let rbm = self.to_f64();
        let path = RbmPath::new(&rbm, base_rates)?;
        let mut settings = settings.clone();
        settings.rounding_allowance += path.rounding_allowance(settings.ladder.steps());
        let result = Ais::new(settings)?.run_with_progress(&path, &BlockGibbs, progress)?;
        Ok(result.log_z)
    }

    /// RAISE on `rows` (row-major, one byte of 0 or 1 per visible unit), on the ladder of
    /// `settings` and on the doubled one: the log-likelihood of the *annealed models* of those
    /// ladders, which is a statement about the machine only as far as the two agree.
    ///
    /// Computed in `f64`, with the allowance of the path added.
    ///
    /// # Errors
    /// If the rows do not fit the machine, or the base rates or a setting are out of their domain.
    pub fn annealed_log_likelihood(
        &self,
        rows: &[u8],
        base_rates: &[f64],
        settings: &RaiseSettings,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RaiseDoubling, FreeEnergyError> {
        let rbm = self.to_f64();
        rbm.block(rows.to_vec())?; // checks shape and values once
        let visible = self.visible();
        let path = RbmPath::new(&rbm, base_rates)?;
        let mut settings = settings.clone();
        settings.rounding_allowance += path.rounding_allowance(2 * settings.ladder.steps());
        let block_of = |wanted: &[usize]| {
            let bits = wanted
                .iter()
                .flat_map(|&r| &rows[r * visible..(r + 1) * visible]);
            rbm.block_of_bits(bits.copied().collect())
        };
        let examples = rows.len() / visible;
        Raise::new(settings)?.run_with_doubling(&path, &BlockGibbs, examples, block_of, progress)
    }
}

/// A fast estimate of `log Z` for learning curves and early stopping: 128 runs of 500 steps in
/// the machine's own precision.
pub(super) fn quick_log_z<F: Unit>(
    rbm: &Rbm<F>,
    base_rates: &[f64],
    seed: u64,
) -> Result<f64, ArgumentError> {
    let path = RbmPath::new(rbm, base_rates)?;
    let ais = Ais::builder()
        .ladder(Ladder::linear(500)?)
        .runs(128)
        .seed(seed)
        .build()?;
    let result = ais.run(&path, &BlockGibbs).map_err(|e| match e {
        FreeEnergyError::Argument(e) => e,
        other => ArgumentError::new("rbm", other, "a machine that can be annealed"),
    })?;
    Ok(result.log_z.estimate.value)
}

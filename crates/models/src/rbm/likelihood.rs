//! log Z and likelihoods of machines, exact where that is possible and certified where it is not.

use ergodic_core::ArgumentError;
use ergodic_free_energy::{
    Ais, AisSettings, FreeEnergyError, Ladder, LogZ, Progress, Raise, RaiseDoubling, RaiseSettings,
};

use super::{BlockGibbs, MAX_ENUMERATED, Rbm, RbmPath, Unit};

/// Keeps the estimates that steer training apart from certificates under the same seed.
const QUICK: u64 = 0x71c6_5a9e_03d8_f24b;

impl<F: Unit> Rbm<F> {
    /// `log Z`: exact where the smaller layer has at most [`MAX_ENUMERATED`] units, else by AIS
    /// along [`RbmPath`] from `base_rates`.
    ///
    /// Computed in `f64` whatever `F` is (the parameters are exact in both). Rounding is paid for
    /// in nats by [`RbmPath::rounding_allowance`] and in confidence by [`RbmPath::coverage_loss`]:
    /// what is reported at the confidence of `settings` was computed at a slightly higher one.
    ///
    /// # Errors
    /// If the base rates or a setting are out of their domain, or the confidence is so close to 1
    /// that rounding cannot be paid for.
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
            return Ok(LogZ::exact(value, self.log_z_exact_error(value))?);
        }
        let rbm = self.to_f64();
        let path = RbmPath::new(&rbm, base_rates)?;
        let mut settings = settings.clone();
        let confidence = settings.confidence;
        settings.rounding_allowance += path.rounding_allowance(settings.ladder.steps());
        settings.confidence = paid(
            confidence,
            path.coverage_loss(settings.ladder.steps(), settings.runs),
        )?;
        let result = Ais::new(settings)?.run_with_progress(&path, &BlockGibbs, progress)?;
        let mut log_z = result.log_z;
        log_z.estimate.confidence = confidence;
        for bound in [&mut log_z.lower, &mut log_z.upper].into_iter().flatten() {
            bound.confidence = confidence;
        }
        Ok(log_z)
    }

    /// RAISE on `rows` (row-major, one byte of 0 or 1 per visible unit), on the ladder of
    /// `settings` and on the doubled one: the log-likelihood of the *annealed models* of those
    /// ladders, which is a statement about the machine only as far as the two agree.
    ///
    /// Computed in `f64`; rounding is paid for as in [`log_z`](Self::log_z).
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
        let visible = self.visible();
        super::gibbs::check_bits(rows, visible)?;
        let path = RbmPath::new(&rbm, base_rates)?;
        let mut settings = settings.clone();
        let confidence = settings.confidence;
        let examples = rows.len() / visible;
        let chains = examples.saturating_mul(settings.chains);
        settings.rounding_allowance += path.rounding_allowance(2 * settings.ladder.steps());
        settings.confidence = paid(
            confidence,
            path.coverage_loss(3 * settings.ladder.steps(), chains),
        )?;
        let block_of = |wanted: &[usize]| {
            let bits = wanted
                .iter()
                .flat_map(|&r| &rows[r * visible..(r + 1) * visible]);
            rbm.block_of_bits(bits.copied().collect())
        };
        let mut found = Raise::new(settings)?.run_with_doubling(
            &path,
            &BlockGibbs,
            examples,
            block_of,
            progress,
        )?;
        for result in [&mut found.single, &mut found.doubled] {
            result.estimate.confidence = confidence;
            result.lower.confidence = confidence;
        }
        found.change.confidence = confidence;
        Ok(found)
    }
}

/// The confidence at which to compute what is to hold at `confidence` in spite of rounding.
fn paid(confidence: f64, loss: f64) -> Result<f64, ArgumentError> {
    let raised = confidence + loss;
    // A confidence out of its domain is refused where it is used.
    if confidence < 1.0 && raised >= 1.0 {
        return Err(ArgumentError::new(
            "confidence",
            confidence,
            format!("below {}: rounding takes {loss:.1e} of it", 1.0 - loss),
        ));
    }
    Ok(raised)
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
        .seed(seed ^ QUICK)
        .build()?;
    let result = ais.run(&path, &BlockGibbs).map_err(|e| match e {
        FreeEnergyError::Argument(e) => e,
        other => ArgumentError::new("rbm", other, "a machine that can be annealed"),
    })?;
    Ok(result.log_z.estimate.value)
}

//! Ladders: the rungs at which a path of targets is visited.

use std::fmt;

use ergodic_core::ArgumentError;

/// Where a ladder comes from. Either way its rungs were known before the runs that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LadderOrigin {
    /// Written down.
    Fixed,
    /// Chosen by a [`Pilot`](crate::Pilot) on chains and random streams of its own.
    Pilot {
        /// The number of pilot chains.
        chains: usize,
        /// The seed of the pilot.
        seed: u64,
    },
}

impl fmt::Display for LadderOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed => f.write_str("fixed"),
            Self::Pilot { chains, seed } => {
                write!(f, "chosen by {chains} pilot chains with seed {seed}")
            }
        }
    }
}

/// Rungs `0 = t₀ < t₁ < … < t_K = 1` on a [`Path`](ergodic_core::Path), fixed before any
/// certified run.
///
/// A ladder that was adapted on the runs it serves biases their weights. There is no way to make
/// one here: rungs are numbers given beforehand or the choice of a [`Pilot`](crate::Pilot).
///
/// ```
/// use ergodic_free_energy::Ladder;
///
/// assert_eq!(Ladder::linear(4)?.rungs(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert_eq!(Ladder::linear(2)?.doubled(), Ladder::linear(4)?);
/// assert!(Ladder::from_rungs(vec![0.0, 0.5]).is_err()); // does not arrive
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    rungs: Vec<f64>,
    origin: LadderOrigin,
}

impl Ladder {
    /// A ladder with the given rungs.
    ///
    /// # Errors
    /// If the rungs do not rise strictly from 0 to 1.
    pub fn from_rungs(rungs: Vec<f64>) -> Result<Self, ArgumentError> {
        Self::with_origin(rungs, LadderOrigin::Fixed)
    }

    pub(crate) fn with_origin(
        rungs: Vec<f64>,
        origin: LadderOrigin,
    ) -> Result<Self, ArgumentError> {
        let bad = |found: String| {
            let allowed = "numbers that rise strictly from 0 to 1";
            Err(ArgumentError::new("rungs of the ladder", found, allowed))
        };
        let (Some(&first), Some(&last)) = (rungs.first(), rungs.last()) else {
            return bad("empty".to_owned());
        };
        if first != 0.0 || last != 1.0 {
            return bad(format!("from {first} to {last}"));
        }
        if let Some(k) = rungs.windows(2).position(|w| !matches!(w, [a, b] if a < b)) {
            return bad(format!(
                "{} at {k} before {} at {}",
                rungs[k],
                rungs[k + 1],
                k + 1
            ));
        }
        Ok(Self { rungs, origin })
    }

    /// `t_k = k/K` for `steps = K ≥ 1`.
    ///
    /// # Errors
    /// If `steps` is 0.
    pub fn linear(steps: usize) -> Result<Self, ArgumentError> {
        crate::check::at_least(1, "steps", steps)?;
        Self::from_rungs((0..=steps).map(|k| k as f64 / steps as f64).collect())
    }

    /// `t_k = [σ(δ(2k/K − 1)) − σ(−δ)] / [σ(δ) − σ(−δ)]` with the logistic function `σ`, for
    /// `steps = K ≥ 1` and `sharpness = δ > 0`: dense near both ends, nearly linear for small `δ`
    /// (Grosse, Maddison and Salakhutdinov, NIPS 2013, use `δ = 4`).
    ///
    /// # Errors
    /// If `steps` is 0, or the sharpness not finite and above 0, or so large that rungs coincide.
    pub fn sigmoid(steps: usize, sharpness: f64) -> Result<Self, ArgumentError> {
        crate::check::at_least(1, "steps", steps)?;
        if !(sharpness.is_finite() && sharpness > 0.0) {
            let allowed = "a finite number above 0";
            return Err(ArgumentError::new("sharpness", sharpness, allowed));
        }
        // σ(x) − ½ = ½ tanh(x/2), which is odd: no cancellation for small δ.
        let top = libm::tanh(0.5 * sharpness);
        let rung = |k: usize| match k {
            0 => 0.0,
            k if k == steps => 1.0,
            k => {
                let x = 2.0 * k as f64 / steps as f64 - 1.0;
                0.5 + 0.5 * libm::tanh(0.5 * sharpness * x) / top
            }
        };
        Self::from_rungs((0..=steps).map(rung).collect())
    }

    /// `t₀ = 0` and then equal ratios from `t₁ = first` to `t_K = 1`, for `steps = K ≥ 2`: dense
    /// near the base.
    ///
    /// # Errors
    /// If `steps` is below 2 or `first` not strictly between 0 and 1.
    pub fn geometric(steps: usize, first: f64) -> Result<Self, ArgumentError> {
        crate::check::at_least(2, "steps", steps)?;
        if !(first > 0.0 && first < 1.0) {
            let allowed = "strictly between 0 and 1";
            return Err(ArgumentError::new("first", first, allowed));
        }
        let rung = |k: usize| match k {
            0 => 0.0,
            1 => first,
            k => libm::pow(first, (steps - k) as f64 / (steps - 1) as f64),
        };
        Self::from_rungs((0..=steps).map(rung).collect())
    }

    /// The same ladder with a rung in the middle of every step: twice as many steps.
    pub fn doubled(&self) -> Self {
        let mut rungs = Vec::with_capacity(2 * self.rungs.len());
        for w in self.rungs.windows(2) {
            rungs.push(w[0]);
            let middle = 0.5 * (w[0] + w[1]);
            // Neighbouring numbers have no middle.
            if w[0] < middle && middle < w[1] {
                rungs.push(middle);
            }
        }
        rungs.push(1.0);
        Self { rungs, ..*self }
    }

    /// The rungs `t₀, …, t_K`.
    pub fn rungs(&self) -> &[f64] {
        &self.rungs
    }

    /// The number of steps `K`, at least 1.
    pub fn steps(&self) -> usize {
        self.rungs.len() - 1
    }

    /// Where the ladder comes from.
    pub fn origin(&self) -> LadderOrigin {
        self.origin
    }
}

impl Default for Ladder {
    /// The linear ladder of 1000 steps.
    fn default() -> Self {
        Self {
            rungs: (0..=1000).map(|k| f64::from(k) / 1000.0).collect(),
            origin: LadderOrigin::Fixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ladder_rises_strictly_from_base_to_target() {
        let ladders = [
            Ladder::linear(1).unwrap(),
            Ladder::linear(10_000).unwrap(),
            Ladder::sigmoid(1000, 4.0).unwrap(),
            Ladder::sigmoid(1, 4.0).unwrap(),
            Ladder::geometric(1000, 1e-6).unwrap(),
            Ladder::geometric(2, 0.5).unwrap(),
            Ladder::default(),
            Ladder::sigmoid(77, 1e-9).unwrap().doubled(),
        ];
        for ladder in ladders {
            let t = ladder.rungs();
            assert_eq!((t[0], t[t.len() - 1]), (0.0, 1.0));
            assert!(t.windows(2).all(|w| w[0] < w[1]));
            assert_eq!(ladder.steps() + 1, t.len());
        }
    }

    #[test]
    fn ladders_take_their_formulas() {
        let sigmoid = Ladder::sigmoid(8, 4.0).unwrap();
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        for (k, t) in sigmoid.rungs().iter().enumerate() {
            let x = 4.0 * (2.0 * k as f64 / 8.0 - 1.0);
            let exact = (logistic(x) - logistic(-4.0)) / (logistic(4.0) - logistic(-4.0));
            assert!((t - exact).abs() < 1e-14);
        }
        let geometric = Ladder::geometric(5, 0.0625).unwrap();
        for (t, exact) in geometric
            .rungs()
            .iter()
            .zip([0.0, 0.0625, 0.125, 0.25, 0.5, 1.0])
        {
            assert!((t - exact).abs() < 1e-15);
        }
    }

    #[test]
    fn rungs_out_of_order_are_typed_errors() {
        for rungs in [
            vec![],
            vec![0.0],
            vec![1.0],
            vec![0.1, 1.0],
            vec![0.0, 0.9],
            vec![0.0, 0.5, 0.5, 1.0],
            vec![0.0, 0.7, 0.5, 1.0],
            vec![0.0, f64::NAN, 1.0],
        ] {
            let error = Ladder::from_rungs(rungs).unwrap_err();
            assert_eq!(error.argument, "rungs of the ladder");
        }
        assert_eq!(Ladder::linear(0).unwrap_err().argument, "steps");
        assert_eq!(Ladder::geometric(1, 0.5).unwrap_err().argument, "steps");
        assert_eq!(Ladder::geometric(5, 1.0).unwrap_err().argument, "first");
        assert_eq!(Ladder::sigmoid(5, -1.0).unwrap_err().argument, "sharpness");
        assert!(Ladder::sigmoid(1000, 1e4).is_err()); // rungs coincide
    }
}

//! Resampling: from weighted particles to equally weighted ones.

use ergodic_core::{ArgumentError, Randomness};

/// How the ancestors of the next generation are drawn.
///
/// All are unbiased: with normalised weights `Wᵢ` particle `i` has `N Wᵢ` offspring on average.
/// They differ in the noise that they add (Douc, Cappé and Moulines, *Proc. ISPA*, 64 (2005)):
///
/// | scheme | draws | offspring of `i` |
/// |---|---|---|
/// | [`Multinomial`](Self::Multinomial) | `N` | binomial; the one that the genealogical variance is made for |
/// | [`Residual`](Self::Residual) | fewer than `N` | `⌊N Wᵢ⌋` for certain, the rest multinomial |
/// | [`Stratified`](Self::Stratified) | `N` | one uniform point in each of `N` strata; never noisier than multinomial |
/// | [`Systematic`](Self::Systematic) | 1 | `⌊N Wᵢ⌋` or `⌈N Wᵢ⌉`; usually the least noise, but no general theorem |
///
/// ```
/// use ergodic_samplers::Resampling;
///
/// let mut ancestors = [0; 4];
/// let mut rng = ergodic_math::rng::stream(1, 0);
/// Resampling::Systematic.draw(&[0.5, 0.0, 0.25, 0.25], &mut ancestors, &mut rng)?;
/// assert_eq!(ancestors, [0, 0, 2, 3]); // nothing is left to chance
/// # Ok::<(), ergodic_core::ArgumentError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Resampling {
    /// Independent draws (Gordon, Salmond and Smith, *IEE Proc. F* 140, 107 (1993)).
    Multinomial,
    /// Whole copies first (Liu and Chen, *J. Am. Stat. Assoc.* 93, 1032 (1998)).
    Residual,
    /// One point per stratum (Kitagawa, *J. Comput. Graph. Stat.* 5, 1 (1996)).
    Stratified,
    /// One point for all strata (Carpenter, Clifford and Fearnhead, *IEE Proc.* 146, 2 (1999)).
    #[default]
    Systematic,
}

impl Resampling {
    /// Fills `ancestors` with the indices of parents; `weights` need not be normalised, and the
    /// number of offspring may differ from that of weights.
    ///
    /// `O(N + M log N)` for `M` offspring of `N` weights, and less where points come in order.
    ///
    /// # Errors
    /// If a weight is negative or not finite, or none is positive.
    pub fn draw<R: Randomness + ?Sized>(
        self,
        weights: &[f64],
        ancestors: &mut [usize],
        rng: &mut R,
    ) -> Result<(), ArgumentError> {
        match self {
            Self::Multinomial => {
                let wheel = Wheel::new(weights)?;
                ancestors.fill_with(|| wheel.at(rng.uniform()));
            }
            Self::Residual => {
                let total = Wheel::new(weights)?.total;
                let mut rest = weights.to_vec();
                let (n, mut filled) = (ancestors.len(), 0);
                for (i, w) in rest.iter_mut().enumerate() {
                    let expected = n as f64 * (*w / total);
                    // Rounding may not promise more copies than there is room.
                    let copies = (expected.floor() as usize).min(n - filled);
                    ancestors[filled..filled + copies].fill(i);
                    filled += copies;
                    *w = (expected - copies as f64).max(0.0);
                }
                if filled < n {
                    let wheel = Wheel::new(&rest)?;
                    ancestors[filled..].fill_with(|| wheel.at(rng.uniform()));
                }
            }
            Self::Stratified => {
                let points = Points::Each(rng);
                Wheel::new(weights)?.strata(ancestors, points);
            }
            Self::Systematic => {
                let offset = rng.uniform();
                Wheel::new(weights)?.strata(ancestors, Points::<R>::One(offset));
            }
        }
        Ok(())
    }
}

/// Where in its stratum a point lies.
enum Points<'a, R: ?Sized> {
    One(f64),
    Each(&'a mut R),
}

/// Cumulated weights: a point `u` of `[0, 1)` belongs to the particle whose share covers it.
struct Wheel {
    cumulative: Vec<f64>,
    total: f64,
    /// The last particle of positive weight, for points that rounding has moved past all shares.
    last: usize,
}

impl Wheel {
    fn new(weights: &[f64]) -> Result<Self, ArgumentError> {
        let bad = |found: String| {
            let allowed = "finite, not negative, with a positive finite sum";
            ArgumentError::new("weights", found, allowed)
        };
        if let Some(w) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(bad(w.to_string()));
        }
        let mut total = 0.0;
        let cumulative = weights
            .iter()
            .map(|w| {
                total += w;
                total
            })
            .collect();
        let last = weights.iter().rposition(|w| *w > 0.0);
        match last {
            Some(last) if total.is_finite() => Ok(Self {
                cumulative,
                total,
                last,
            }),
            _ => Err(bad(format!("of sum {total}"))),
        }
    }

    /// The particle at `u`, by bisection.
    fn at(&self, u: f64) -> usize {
        let place = u * self.total;
        // A particle without weight ends where it begins, and covers no point.
        self.cumulative
            .partition_point(|c| *c <= place)
            .min(self.last)
    }

    /// The particles at one point per stratum `[k/M, (k+1)/M)`, in one walk.
    fn strata<R: Randomness + ?Sized>(&self, ancestors: &mut [usize], mut points: Points<'_, R>) {
        let strata = ancestors.len() as f64;
        let mut i = 0;
        for (k, ancestor) in ancestors.iter_mut().enumerate() {
            let offset = match &mut points {
                Points::One(u) => *u,
                Points::Each(rng) => rng.uniform(),
            };
            let place = (k as f64 + offset) / strata * self.total;
            while i < self.last && self.cumulative[i] <= place {
                i += 1;
            }
            *ancestor = i;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers uniform draws from a list.
    struct Tape<'a>(std::slice::Iter<'a, f64>);
    impl Randomness for Tape<'_> {
        fn bernoulli(&mut self, _: f64) -> bool {
            unreachable!()
        }
        fn index(&mut self, _: usize) -> usize {
            unreachable!()
        }
        fn categorical(&mut self, _: &[f64]) -> usize {
            unreachable!()
        }
        fn uniform(&mut self) -> f64 {
            *self.0.next().unwrap()
        }
        fn normal(&mut self) -> f64 {
            unreachable!()
        }
        fn exponential(&mut self) -> f64 {
            unreachable!()
        }
    }

    fn offspring(scheme: Resampling, weights: &[f64], m: usize, tape: &[f64]) -> Vec<f64> {
        let mut ancestors = vec![0; m];
        scheme
            .draw(weights, &mut ancestors, &mut Tape(tape.iter()))
            .unwrap();
        let mut counts = vec![0.0; weights.len()];
        for a in ancestors {
            counts[a] += 1.0;
        }
        counts
    }

    /// The mean number of offspring, exactly: counts are constant between the places where some
    /// point crosses from one share to the next, and each uniform draw enters by itself.
    fn mean_offspring(scheme: Resampling, weights: &[f64], m: usize) -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        let mut steps = vec![0.0, 1.0];
        // Crossings within one stratum, within the whole circle, and for residual draws.
        let expected: Vec<f64> = weights.iter().map(|w| m as f64 * w / total).collect();
        let rest: Vec<f64> = expected.iter().map(|e| e - e.floor()).collect();
        let draws: f64 = rest.iter().sum();
        let (mut sum, mut sum_rest) = (0.0, 0.0);
        for (e, r) in expected.iter().zip(&rest) {
            sum += e;
            sum_rest += r;
            steps.push(sum - sum.floor());
            steps.push(sum / m as f64);
            steps.push(if draws > 0.0 { sum_rest / draws } else { 0.0 });
        }
        steps.retain(|s| (0.0..=1.0).contains(s));
        steps.sort_by(f64::total_cmp);
        // Every draw has the same law given the others: vary one at a time where there are many,
        // and add up what each contributes.
        let mut mean = vec![0.0; weights.len()];
        let varied = match scheme {
            Resampling::Systematic => 1,
            Resampling::Residual => (draws.round() as usize).max(1),
            _ => m,
        };
        let at_rest = vec![0.5; m];
        let base = offspring(scheme, weights, m, &at_rest);
        for k in 0..varied {
            for w in steps.windows(2) {
                let mut tape = at_rest.clone();
                tape[k] = 0.5 * (w[0] + w[1]);
                let counts = offspring(scheme, weights, m, &tape);
                for ((mean, c), b) in mean.iter_mut().zip(&counts).zip(&base) {
                    *mean += (w[1] - w[0]) * (c - b);
                }
            }
        }
        mean.iter().zip(&base).map(|(m, b)| m + b).collect()
    }

    const ALL: [Resampling; 4] = [
        Resampling::Multinomial,
        Resampling::Residual,
        Resampling::Stratified,
        Resampling::Systematic,
    ];

    #[test]
    fn offspring_are_proportional_to_weights_on_average_exactly() {
        for weights in [
            &[0.1, 0.7, 0.2][..],
            &[1.0, 0.0, 2.5, 0.3, 0.0],
            &[0.25; 4],
            &[0.0, 0.0, 3.0],
            &[1e-9, 1.0, 0.37, 0.11, 0.52, 2.0],
        ] {
            let total: f64 = weights.iter().sum();
            for m in [1, 3, 4, 7] {
                for scheme in ALL {
                    let mean = mean_offspring(scheme, weights, m);
                    for (mean, w) in mean.iter().zip(weights) {
                        let exact = m as f64 * w / total;
                        assert!(
                            (mean - exact).abs() < 1e-12,
                            "{scheme:?} of {weights:?}: {mean} for {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn systematic_offspring_are_the_whole_numbers_beside_the_mean() {
        let weights = [0.13, 0.41, 0.02, 0.44];
        for k in 0..1000 {
            let counts = offspring(
                Resampling::Systematic,
                &weights,
                10,
                &[f64::from(k) / 1000.0],
            );
            for (c, w) in counts.iter().zip(&weights) {
                assert!((c - 10.0 * w).abs() < 1.0);
            }
        }
        for k in 0..100 {
            let tape = vec![f64::from(k) / 100.0; 10];
            let counts = offspring(Resampling::Residual, &weights, 10, &tape);
            for (c, w) in counts.iter().zip(&weights) {
                assert!(*c >= (10.0 * w).floor());
            }
        }
    }

    #[test]
    fn a_particle_without_weight_has_no_offspring() {
        let almost_one = 1.0 - f64::EPSILON / 2.0;
        for scheme in ALL {
            for u in [0.0, 0.5, almost_one] {
                let counts = offspring(scheme, &[0.0, 1.0, 0.0, 1.0, 0.0], 6, &[u; 6]);
                assert_eq!(counts[0] + counts[2] + counts[4], 0.0, "{scheme:?} at {u}");
            }
        }
    }

    #[test]
    fn bad_weights_are_typed_errors() {
        for weights in [
            &[][..],
            &[0.0, 0.0],
            &[-1.0, 2.0],
            &[f64::NAN],
            &[f64::MAX; 2],
        ] {
            for scheme in ALL {
                let error = scheme
                    .draw(weights, &mut [0; 2], &mut Tape([0.5; 2].iter()))
                    .unwrap_err();
                assert_eq!(error.argument, "weights");
            }
        }
    }
}

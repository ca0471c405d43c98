//! Channel capacity, with input costs if there are any, and the bounds that certify it.

use ergodic_math::Real;
use nalgebra::DMatrix;

use super::parametric::{Solved, constrained};
use super::simplex::{Convex, Minimum, minimize};
use super::{Channel, NEGLIGIBLE, check_tolerance, divergence};
use crate::{InfoError, Information, Probabilities};

/// How exactly a capacity is asked for, and how long to try.
///
/// ```
/// use ergodic_info::channel::{CapacitySettings, Channel};
///
/// let settings = CapacitySettings::new().tolerance(1e-9).build()?;
/// let capacity = settings.capacity(&Channel::binary_erasure(0.3)?)?;
/// assert!((capacity.value().bits() - 0.7).abs() < 1e-9);
/// assert!(CapacitySettings::new().tolerance(0.0).build().is_err());
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacitySettings {
    tolerance: f64,
    iterations: usize,
}

impl Default for CapacitySettings {
    fn default() -> Self {
        Self::new()
    }
}

impl CapacitySettings {
    /// A gap of 1e-12 nats, 500 iterations.
    pub const fn new() -> Self {
        Self {
            tolerance: 1e-12,
            iterations: 500,
        }
    }

    /// The gap between the bounds at which the search ends, in nats.
    pub const fn tolerance(mut self, nats: f64) -> Self {
        self.tolerance = nats;
        self
    }

    /// The iterations allowed (for each multiplier tried, where there are costs).
    pub const fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If the tolerance is not finite and positive.
    pub fn build(self) -> Result<Self, InfoError> {
        check_tolerance(self.tolerance)?;
        Ok(self)
    }

    /// The capacity `C = max I(X; Y)` over input laws; see [`Channel::capacity`].
    ///
    /// # Errors
    /// If the tolerance is outside its domain, and [`InfoError::NotConverged`] if the gap is still
    /// above it when the iterations are spent.
    pub fn capacity(&self, channel: &Channel) -> Result<Capacity, InfoError> {
        check_tolerance(self.tolerance)?;
        let costs = vec![0.0; channel.inputs()];
        let problem = Problem::new(channel, &costs, 0.0);
        let found = minimize(&problem, self.tolerance, self.iterations);
        self.check_gap(&found)?;
        Capacity::new(
            channel,
            &costs,
            found.point,
            found.gap,
            0.0,
            found.iterations,
        )
    }

    /// The capacity–cost function `C(B) = max I(X; Y)` over input laws with mean cost at most `B`;
    /// see [`Channel::capacity_at_cost`].
    ///
    /// # Errors
    /// If there are not as many costs as inputs, a cost or the budget is not finite, the budget is
    /// below the least cost, and as [`capacity`](Self::capacity).
    pub fn capacity_at_cost(
        &self,
        channel: &Channel,
        costs: &[f64],
        budget: f64,
    ) -> Result<Capacity, InfoError> {
        check_tolerance(self.tolerance)?;
        let least = check_costs(channel, costs, budget)?;
        let solve = |s: f64, tolerance: f64| {
            minimize(&Problem::new(channel, costs, s), tolerance, self.iterations)
        };
        let free = solve(0.0, self.tolerance);
        self.check_gap(&free)?;
        let mean = |p: &[f64]| -> f64 { p.iter().zip(costs).map(|(p, c)| p * c).sum() };
        if mean(&free.point) <= budget {
            return Capacity::new(channel, costs, free.point, free.gap, 0.0, free.iterations);
        }
        if budget <= least {
            return self.cheapest(channel, costs, least);
        }
        let solved = |found: Minimum| Solved {
            linear: mean(&found.point),
            bound: found.value - found.gap,
            point: found.point,
            iterations: found.iterations,
        };
        let largest = costs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best = constrained(
            "capacity at a cost",
            |s| solved(solve(s, 0.1 * self.tolerance)),
            |p| -channel.information(p),
            budget,
            solved(free),
            1.0 / (largest - least),
            self.tolerance,
        )?;
        Capacity::new(
            channel,
            costs,
            best.point,
            best.value - best.lower,
            best.multiplier,
            best.iterations,
        )
    }

    /// The capacity with the inputs of least cost alone.
    fn cheapest(
        &self,
        channel: &Channel,
        costs: &[f64],
        least: f64,
    ) -> Result<Capacity, InfoError> {
        let cheap: Vec<usize> = (0..costs.len()).filter(|x| costs[*x] <= least).collect();
        let rows: Vec<&[f64]> = cheap.iter().map(|x| channel.given(*x)).collect();
        let part = self.capacity(&Channel::from_rows(&rows)?)?;
        let mut point = vec![0.0; costs.len()];
        for (x, p) in cheap.iter().zip(part.input.as_slice()) {
            point[*x] = *p;
        }
        let gap = part.gap().nats();
        // The curve may leave its first point with any slope.
        Capacity::new(channel, costs, point, gap, f64::INFINITY, part.iterations)
    }

    fn check_gap(&self, found: &Minimum) -> Result<(), InfoError> {
        if found.gap <= self.tolerance {
            Ok(())
        } else {
            Err(InfoError::NotConverged {
                quantity: "channel capacity",
                gap: found.gap,
                tolerance: self.tolerance,
                iterations: found.iterations,
            })
        }
    }
}

impl Channel {
    /// The capacity `C = max_p I(X; Y)`, certified to 1e-12 nats.
    ///
    /// For every input law with output law `q`, `I ≤ C ≤ maxₓ D(W(·|x) ‖ q)`; the two bounds meet
    /// at the optimum (Kuhn–Tucker: `D = C` on its support, `≤ C` elsewhere). The search begins
    /// with the iterations of Blahut (*IEEE Trans. Inf. Theory* 18, 460, 1972) and Arimoto (same
    /// volume, 14), whose gap may fall only as `1/k`, and ends with a primal–dual interior-point
    /// method, whose gap falls geometrically on every channel.
    ///
    /// **Cost**: some tens of steps of `O(inputs³ + inputs² · outputs)`.
    ///
    /// **Not for** channels with memory or feedback, nor for continuous inputs that were
    /// discretised coarsely: the result is then a lower bound.
    ///
    /// # Errors
    /// [`InfoError::NotConverged`] if rounding keeps the gap above 1e-12 (thousands of inputs);
    /// ask for less with [`CapacitySettings`].
    ///
    /// ```
    /// use ergodic_info::channel::Channel;
    ///
    /// let capacity = Channel::z(0.5)?.capacity()?;
    /// assert!((capacity.value().bits() - 1.25f64.log2()).abs() < 1e-12);
    /// assert!((capacity.input().as_slice()[1] - 0.4).abs() < 1e-6);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    pub fn capacity(&self) -> Result<Capacity, InfoError> {
        CapacitySettings::new().capacity(self)
    }

    /// The capacity–cost function `C(B) = max I(X; Y)` over input laws with
    /// `Σₓ p(x) costs(x) ≤ budget`, certified to 1e-12 nats.
    ///
    /// For every `s ≥ 0` and output law, `C(B) ≤ maxₓ [D(W(·|x) ‖ q) − s costs(x)] + sB` (Blahut
    /// 1972); the best `s` is the slope of `C` at `B`, see [`Capacity::multiplier`].
    ///
    /// **Cost**: that of [`capacity`](Self::capacity) for each of some ten multipliers.
    ///
    /// # Errors
    /// If there are not as many costs as inputs, a cost or the budget is not finite, or the budget
    /// is below the least cost; and as [`capacity`](Self::capacity).
    ///
    /// ```
    /// use ergodic_info::channel::Channel;
    ///
    /// // Noiseless, and a one costs 1: at budget B ≤ ½ the capacity is h(B).
    /// let wire = Channel::binary_symmetric(0.0)?;
    /// let capacity = wire.capacity_at_cost(&[0.0, 1.0], 0.11)?;
    /// assert!((capacity.value().bits() - 0.499915958164528).abs() < 1e-11);
    /// # Ok::<(), ergodic_info::InfoError>(())
    /// ```
    pub fn capacity_at_cost(&self, costs: &[f64], budget: f64) -> Result<Capacity, InfoError> {
        CapacitySettings::new().capacity_at_cost(self, costs, budget)
    }
}

/// A capacity between two certified bounds, and a law that attains the lower one.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    lower: Information,
    upper: Information,
    input: Probabilities,
    cost: f64,
    multiplier: f64,
    iterations: usize,
}

impl Capacity {
    fn new(
        channel: &Channel,
        costs: &[f64],
        point: Vec<f64>,
        gap: f64,
        multiplier: f64,
        iterations: usize,
    ) -> Result<Self, InfoError> {
        let input = Probabilities::from_weights(point)?;
        let lower = channel.information(input.as_slice());
        let pairs = input.as_slice().iter().zip(costs);
        Ok(Self {
            lower: Information::from_nats(lower),
            upper: Information::from_nats(lower + gap.max(0.0)),
            cost: pairs.map(|(p, c)| p * c).sum(),
            input,
            multiplier,
            iterations,
        })
    }

    /// The capacity: the mutual information at [`input`](Self::input), too small by at most the
    /// [`gap`](Self::gap).
    pub const fn value(&self) -> Information {
        self.lower
    }

    /// The certified bounds, `[lower, upper]`.
    pub const fn bounds(&self) -> [Information; 2] {
        [self.lower, self.upper]
    }

    /// The difference of the bounds.
    pub fn gap(&self) -> Information {
        self.upper - self.lower
    }

    /// An input law that attains the value. It may not be the only one; the output law is unique.
    pub const fn input(&self) -> &Probabilities {
        &self.input
    }

    /// The mean cost of the input law; 0 without costs.
    pub const fn cost(&self) -> f64 {
        self.cost
    }

    /// The slope `dC/dB` in nats per unit of cost: 0 where the budget does not bind, infinite at
    /// the least budget possible (where a finite slope may do as well).
    pub const fn multiplier(&self) -> f64 {
        self.multiplier
    }

    /// The iterations spent.
    pub const fn iterations(&self) -> usize {
        self.iterations
    }
}

fn check_costs(channel: &Channel, costs: &[f64], budget: f64) -> Result<f64, InfoError> {
    if costs.len() != channel.inputs() {
        return Err(InfoError::argument(
            "costs",
            format!("{} numbers", costs.len()),
            format!("one per input, {}", channel.inputs()),
        ));
    }
    if let Some(x) = costs.iter().position(|c| !c.is_finite()) {
        return Err(InfoError::argument(
            "costs",
            format!("{} for input {x}", costs[x]),
            "finite",
        ));
    }
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    if !(budget.is_finite() && budget >= least) {
        return Err(InfoError::argument(
            "budget",
            budget,
            format!("finite and at least the least cost, {least}"),
        ));
    }
    Ok(least)
}

/// `−I(p) + s Σ p c`, to be minimised.
struct Problem<'a> {
    channel: &'a Channel,
    costs: &'a [f64],
    s: f64,
}

impl<'a> Problem<'a> {
    fn new(channel: &'a Channel, costs: &'a [f64], s: f64) -> Self {
        Self { channel, costs, s }
    }
}

impl Convex for Problem<'_> {
    fn len(&self) -> usize {
        self.channel.inputs()
    }

    fn value(&self, p: &[f64], gradient: &mut [f64]) -> f64 {
        let output = self.channel.mixture(p);
        let mut value = 0.0;
        for (x, row) in self.channel.rows().enumerate() {
            // Up to a constant, which the constraint Σp = 1 takes up.
            gradient[x] = self.s * self.costs[x] - divergence(row, &output);
            value += p[x] * gradient[x];
        }
        value
    }

    fn hessian(&self, p: &[f64]) -> DMatrix<f64> {
        let output = self.channel.mixture(p);
        let (n, m) = (self.channel.inputs(), output.len());
        let scaled = DMatrix::from_fn(m, n, |y, x| {
            let w = self.channel.given(x)[y];
            if w > NEGLIGIBLE {
                w / output[y].sqrt()
            } else {
                0.0
            }
        });
        scaled.tr_mul(&scaled)
    }

    fn factor(&self, slope: f64, least: f64) -> f64 {
        Real::exp(least - slope)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn binary_entropy(p: f64) -> f64 {
        -p * p.ln() - (1.0 - p) * (1.0 - p).ln()
    }

    #[test]
    fn textbook_capacities() {
        let bits = |channel: Channel| channel.capacity().unwrap().value().bits();
        assert!((bits(Channel::binary_symmetric(0.11).unwrap()) - 0.500084041835472).abs() < 1e-14);
        assert!((bits(Channel::binary_erasure(0.3).unwrap()) - 0.7).abs() < 1e-14);
        assert!((bits(Channel::z(0.5).unwrap()) - 0.32192809488736235).abs() < 2e-12);
        // Nothing gets through, and everything.
        let stuck = Channel::from_rows(&[[0.3, 0.7], [0.3, 0.7], [0.3, 0.7]]).unwrap();
        assert_eq!(stuck.capacity().unwrap().value().nats(), 0.0);
        assert!((bits(Channel::z(0.0).unwrap()) - 1.0).abs() < 1e-15);
        assert_eq!(
            Channel::from_rows(&[[1.0]])
                .unwrap()
                .capacity()
                .unwrap()
                .value()
                .nats(),
            0.0
        );
    }

    #[test]
    fn square_channels_with_all_inputs_in_use_follow_muroga() {
        // C = log Σ_j exp(−Σ_i W⁻¹(j,i) H_i) (Muroga 1953; Cover and Thomas, 7.13).
        let rows = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.1, 0.7]];
        let w = DMatrix::from_fn(3, 3, |i, j| rows[i][j]);
        let inverse = w.try_inverse().unwrap();
        let entropy = |i: usize| -rows[i].iter().map(|v: &f64| v * v.ln()).sum::<f64>();
        let term = |j: usize| (-(0..3).map(|i| inverse[(j, i)] * entropy(i)).sum::<f64>()).exp();
        let exact = (0..3).map(term).sum::<f64>().ln();
        let capacity = Channel::from_rows(&rows).unwrap().capacity().unwrap();
        assert!((capacity.value().nats() - exact).abs() < 2e-12);
    }

    #[test]
    fn a_degenerate_channel_on_which_the_classical_iteration_stalls_is_certified_to_1e_12() {
        // A third input whose divergence from the optimal output is exactly the capacity: its
        // optimal probability is 0 with derivative 0, where the classical gap falls as 1/k.
        let bsc = Channel::binary_symmetric(0.2).unwrap();
        let target = bsc.capacity().unwrap().value().nats();
        let distance = |a: f64| divergence(&[a, 1.0 - a], &[0.5, 0.5]) - target;
        assert!(distance(0.2).abs() < 1e-15);
        // Three outputs: q* = (½(1−e), ½(1−e), e) by erasures e; the third row is solved for.
        let e = 0.3;
        let q = [0.5 * (1.0 - e), 0.5 * (1.0 - e), e];
        let row = |t: f64| [0.5 * (1.0 - e - t), 0.5 * (1.0 - e - t), e + t];
        let capacity = (1.0 - e) * 2f64.ln();
        let t = ergodic_math::roots::brent(
            |t| divergence(&row(t), &q) - capacity,
            0.0,
            1.0 - e - 1e-9,
            0.0,
        )
        .unwrap()
        .x;
        let rows = [[1.0 - e, 0.0, e], [0.0, 1.0 - e, e], row(t)];
        let found = Channel::from_rows(&rows).unwrap().capacity().unwrap();
        assert!(found.gap().nats() <= 1e-12);
        assert!((found.value().nats() - capacity).abs() < 2e-12, "{found:?}");
        assert!(found.iterations() < 120, "{}", found.iterations());
    }

    #[test]
    fn channels_of_a_dozen_inputs_are_certified_to_1e_12() {
        let mut random = ergodic_math::rng::stream(5, 0);
        let mut uniform = || ergodic_core::Randomness::uniform(&mut random);
        for run in 0..1500 {
            let (inputs, outputs) = (9 + run % 4, 3 + run % 9);
            let rows: Vec<Probabilities> = (0..inputs)
                .map(|x| {
                    let mut row: Vec<f64> = (0..outputs)
                        .map(|_| if uniform() < 0.3 { 0.0 } else { uniform() })
                        .collect();
                    row[x % outputs] += 0.05;
                    Probabilities::from_weights(row).unwrap()
                })
                .collect();
            let found = Channel::from_rows(&rows).unwrap().capacity();
            assert!(found.is_ok(), "{run}: {found:?} of {rows:?}");
        }
    }

    #[test]
    fn a_noiseless_wire_with_costs_has_the_entropy_of_gibbs() {
        // max H(p) with mean cost B: p ∝ exp(−s c), C = s B + log Z(s).
        let costs = [0.0, 1.0, 3.0];
        let wire =
            Channel::from_rows(&[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).unwrap();
        for s in [0.05f64, 0.5, 2.0, 6.0] {
            let z: f64 = costs.iter().map(|c| (-s * c).exp()).sum();
            let budget = costs.iter().map(|c| c * (-s * c).exp() / z).sum::<f64>();
            let found = wire.capacity_at_cost(&costs, budget).unwrap();
            let exact = s * budget + z.ln();
            assert!(
                (found.value().nats() - exact).abs() < 2e-12,
                "s = {s}: {found:?}"
            );
            assert!(
                (found.multiplier() - s).abs() < 1e-4 * s,
                "s = {s}: {found:?}"
            );
            assert!(found.cost() <= budget + 1e-14);
        }
    }

    #[test]
    fn budgets_at_the_ends_of_their_range() {
        let channel = Channel::binary_symmetric(0.1).unwrap();
        let free = channel.capacity().unwrap();
        let rich = channel.capacity_at_cost(&[0.0, 1.0], 5.0).unwrap();
        assert_eq!(rich.value(), free.value());
        assert_eq!(rich.multiplier(), 0.0);
        let poor = channel.capacity_at_cost(&[0.0, 1.0], 0.0).unwrap();
        assert_eq!(poor.value().nats(), 0.0);
        assert_eq!(poor.input().as_slice(), [1.0, 0.0]);
        // A binary symmetric channel at input bias b: h(b ⋆ f) − h(f).
        let (b, f) = (0.2, 0.1);
        let some = channel.capacity_at_cost(&[0.0, 1.0], b).unwrap();
        let exact = binary_entropy(b * (1.0 - f) + (1.0 - b) * f) - binary_entropy(f);
        assert!((some.value().nats() - exact).abs() < 2e-12);
    }

    #[test]
    fn time_sharing_is_found_where_the_slope_is_constant() {
        // Two noiseless bits of different price: inputs {0,1} free, {2,3} at cost 1 with three
        // more outputs is linear nowhere, but a copy of each input makes optima a face.
        let rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
        let channel = Channel::from_rows(&rows).unwrap();
        let costs = [2.0, 0.0, 1.0, 1.0];
        // The cheap copies cost (1, 0): at budget B ≤ ½ a noiseless wire, h(B).
        let found = channel.capacity_at_cost(&costs, 0.3).unwrap();
        assert!((found.value().nats() - binary_entropy(0.3)).abs() < 2e-12);
    }

    #[test]
    fn bad_settings_costs_and_budgets_are_refused() {
        let channel = Channel::binary_symmetric(0.1).unwrap();
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(CapacitySettings::new().tolerance(bad).build().is_err());
            assert!(
                CapacitySettings::new()
                    .tolerance(bad)
                    .capacity(&channel)
                    .is_err()
            );
        }
        assert!(channel.capacity_at_cost(&[0.0], 1.0).is_err());
        assert!(channel.capacity_at_cost(&[0.0, f64::NAN], 1.0).is_err());
        assert!(channel.capacity_at_cost(&[0.5, 1.0], 0.4).is_err());
        assert!(channel.capacity_at_cost(&[0.5, 1.0], f64::NAN).is_err());
        let hurried = CapacitySettings::new().iterations(2);
        let error = hurried.capacity(&Channel::z(0.5).unwrap()).unwrap_err();
        assert!(
            matches!(error, InfoError::NotConverged { iterations: 2, .. }),
            "{error}"
        );
    }

    /// Channels with zeros, of which some outputs may be out of reach.
    fn random_channel(inputs: usize, outputs: usize) -> impl Strategy<Value = Channel> {
        let weight = prop_oneof![1 => Just(0.0), 3 => 0.0..1.0f64, 1 => 0.0..1e-6f64];
        prop::collection::vec(weight, inputs * outputs).prop_map(move |weights| {
            let rows: Vec<Probabilities> = (weights.chunks_exact(outputs).enumerate())
                .map(|(x, row)| {
                    let mut row = row.to_vec();
                    // At least one positive entry.
                    row[x % outputs] += 0.1;
                    Probabilities::from_weights(row).unwrap()
                })
                .collect();
            Channel::from_rows(&rows).unwrap()
        })
    }

    fn shaped_channel() -> impl Strategy<Value = Channel> {
        (1..7usize, 1..6usize).prop_flat_map(|(x, y)| random_channel(x, y))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn the_optimum_satisfies_kuhn_and_tucker(channel in shaped_channel()) {
            let found = channel.capacity().unwrap();
            let c = found.value().nats();
            prop_assert!(found.gap().nats() <= 1e-12);
            let smaller = channel.inputs().min(channel.outputs()) as f64;
            prop_assert!(c <= smaller.ln() + 1e-12);
            let output = channel.mixture(found.input().as_slice());
            for (row, p) in channel.rows().zip(found.input().as_slice()) {
                let d = divergence(row, &output);
                prop_assert!(d <= c + 2e-12, "{} above {}", d, c);
                // Σ p (C − D) ≤ gap, and no term is negative beyond it.
                prop_assert!(p * (c - d) <= 3e-12, "{} {} {}", p, d, c);
            }
            let uniform = Probabilities::uniform(channel.inputs()).unwrap();
            prop_assert!(channel.mutual_information(&uniform).unwrap().nats() <= c + 2e-12);
        }

        #[test]
        fn processing_and_mixing_raise_no_capacity(
            (a, b, other, share) in (1..5usize, 1..5usize, 1..5usize).prop_flat_map(|(x, y, z)| {
                (random_channel(x, y), random_channel(y, z), random_channel(x, y), 0.0..1.0f64)
            })
        ) {
            let capacity = |c: &Channel| c.capacity().unwrap().value().nats();
            let both = capacity(&a.then(&b).unwrap());
            prop_assert!(both <= capacity(&a).min(capacity(&b)) + 2e-12);
            let mix = a.as_slice().iter().zip(other.as_slice());
            let mix: Vec<f64> = mix.map(|(p, q)| share * p + (1.0 - share) * q).collect();
            let mixed = capacity(&Channel::new(&mix, a.outputs()).unwrap());
            prop_assert!(mixed <= share * capacity(&a) + (1.0 - share) * capacity(&other) + 2e-12);
        }

        #[test]
        fn capacity_is_concave_in_its_budget(
            channel in random_channel(4, 3), costs in prop::collection::vec(0.0..2.0f64, 4)
        ) {
            let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let at = |i: u32| {
                let budget = least + 0.1 * f64::from(i);
                let found = channel.capacity_at_cost(&costs, budget).unwrap();
                prop_assert!(found.cost() <= budget + 1e-12);
                prop_assert!(found.gap().nats() <= 1e-12);
                Ok(found.value().nats())
            };
            let values = (0..6).map(at).collect::<Result<Vec<_>, TestCaseError>>()?;
            for w in values.windows(3) {
                prop_assert!(w[0] <= w[1] + 2e-12 && w[2] - w[1] <= w[1] - w[0] + 4e-12, "{:?}", w);
            }
        }
    }
}

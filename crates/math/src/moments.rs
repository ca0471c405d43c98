//! Means, variances, skewness, kurtosis and covariances in one pass, mergeable.
//!
//! The sums are kept about the running mean, so that a large mean costs no digits, and two
//! accumulators merge as if one had seen both samples: `merge` is associative and commutative up
//! to rounding. Merge partial results in a fixed order (as [`crate::reduce::par_fold`] does) and
//! the bits do not depend on threads.
//!
//! Every accumulator is given back by plain getters and rebuilt by `from_parts`, for checkpoints.
//! Getters return `None` where the quantity is undefined (too few values, zero variance) or left
//! the range of `f64` (values beyond 10¹⁵⁴ overflow a variance), never NaN. The count tells which:
//! from two values on a variance is defined, so `None` is an overflow.
//!
//! Sources: Welford, *Technometrics* 4, 1962; Chan, Golub and LeVeque, *COMPSTAT*, 1982; Pébay,
//! Sandia report SAND2008-6212; West, *Commun. ACM* 22, 1979 (weights).

use std::fmt;

use nalgebra::{DMatrix, DVector};

/// Why an accumulator refused its input.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum MomentsError {
    /// A vector, or another accumulator, of another dimension.
    Dimension {
        /// What was found.
        found: usize,
        /// What the accumulator holds.
        expected: usize,
    },
    /// A weight that is negative, infinite or NaN.
    Weight {
        /// The weight.
        found: f64,
    },
    /// Parts that no sample has: a negative sum of squares, a number that is not finite, or sums
    /// without values.
    Parts {
        /// Which part.
        part: &'static str,
        /// What was found.
        found: f64,
    },
}

impl fmt::Display for MomentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimension { found, expected } => {
                write!(f, "dimension is {found}, but must be {expected}")
            }
            Self::Weight { found } => {
                write!(f, "weight is {found}, but must be finite and not negative")
            }
            Self::Parts { part, found } => {
                write!(f, "{part} is {found}, which no sample has")
            }
        }
    }
}

impl std::error::Error for MomentsError {}

fn in_range(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// `mean + share·(x − mean)`, without overflow of the difference.
#[inline]
fn towards(mean: f64, x: f64, share: f64) -> f64 {
    let step = mean + share * (x - mean);
    if step.is_finite() {
        step
    } else {
        mean * (1.0 - share) + x * share
    }
}

/// Count, mean and the central sums `Mₚ = Σ (xᵢ − x̄)ᵖ` for `p = 2, 3, 4` of a sample.
///
/// Domain of the values: finite. A push costs one division and some twenty other operations. The
/// relative error of the variance grows as `n ε κ` at worst, `κ² = 1 + x̄²/σ²` (Chan, Golub and
/// LeVeque, *Am. Stat.* 37, 1983), against `n ε κ²` for the textbook sums.
///
/// ```
/// use ergodic_math::moments::Moments;
///
/// let m: Moments = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0].into_iter().collect();
/// assert_eq!(m.mean(), Some(1e9 + 10.0));
/// assert_eq!(m.variance(), Some(30.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    /// Of no values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds an accumulator from [`count`](Self::count), the mean (0 of nothing) and
    /// [`central_sums`](Self::central_sums), bit for bit.
    ///
    /// # Errors
    /// [`MomentsError::Parts`].
    pub fn from_parts(count: u64, mean: f64, sums: [f64; 3]) -> Result<Self, MomentsError> {
        let [m2, m3, m4] = sums;
        for (part, found) in [("mean", mean), ("M2", m2), ("M3", m3), ("M4", m4)] {
            let empty = count == 0 && found != 0.0;
            let negative = (part == "M2" || part == "M4") && found < 0.0;
            if !found.is_finite() || empty || negative {
                return Err(MomentsError::Parts { part, found });
            }
        }
        Ok(Self {
            count,
            mean,
            m2,
            m3,
            m4,
        })
    }

    /// Takes one value in.
    #[inline]
    pub fn push(&mut self, x: f64) {
        let before = self.count as f64;
        self.count += 1;
        let n = self.count as f64;
        let delta = x - self.mean;
        let share = delta / n;
        let square = share * share;
        let term = delta * share * before;
        self.mean = towards(self.mean, x, 1.0 / n);
        self.m4 += term * square * (n * n - 3.0 * n + 3.0) + 6.0 * square * self.m2
            - 4.0 * share * self.m3;
        self.m3 += term * share * (n - 2.0) - 3.0 * share * self.m2;
        self.m2 += term;
    }

    /// Takes in all that `other` has seen; `O(1)`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let n = a + b;
        let delta = other.mean - self.mean;
        let (d1, d2) = (delta / n, delta * delta / n);
        let ab = a * b;
        self.m4 = self.m4
            + other.m4
            + d2 * d1 * d1 * ab * (a * a - ab + b * b)
            + 6.0 * d1 * d1 * (a * a * other.m2 + b * b * self.m2)
            + 4.0 * d1 * (a * other.m3 - b * self.m3);
        self.m3 =
            self.m3 + other.m3 + d2 * d1 * ab * (a - b) + 3.0 * d1 * (a * other.m2 - b * self.m2);
        self.m2 = self.m2 + other.m2 + d2 * ab;
        self.mean = towards(self.mean, other.mean, b / n);
        self.count += other.count;
    }

    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `x̄`, from one value on.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean).and_then(in_range)
    }

    /// The unbiased variance `M₂/(n − 1)`, from two values on.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1)
            .then(|| self.m2 / (self.count - 1) as f64)
            .and_then(in_range)
    }

    /// The variance of the sample itself, `M₂/n`, from one value on.
    pub fn population_variance(&self) -> Option<f64> {
        (self.count > 0)
            .then(|| self.m2 / self.count as f64)
            .and_then(in_range)
    }

    /// `s/√n`, the standard error of the mean of independent values.
    pub fn std_err(&self) -> Option<f64> {
        Some((self.variance()? / self.count as f64).sqrt())
    }

    /// `g₁ = √n M₃/M₂^{3/2}`, for values that are not all equal.
    pub fn skewness(&self) -> Option<f64> {
        let n = self.count as f64;
        let m2 = self.positive_m2()?;
        in_range((n / m2).sqrt() * (self.m3 / m2))
    }

    /// `g₂ = n M₄/M₂² − 3`, 0 for a normal law, for values that are not all equal.
    pub fn excess_kurtosis(&self) -> Option<f64> {
        let m2 = self.positive_m2()?;
        in_range(self.count as f64 * (self.m4 / m2) / m2 - 3.0)
    }

    /// `[M₂, M₃, M₄]`.
    pub fn central_sums(&self) -> [f64; 3] {
        [self.m2, self.m3, self.m4]
    }

    fn positive_m2(&self) -> Option<f64> {
        (self.m2 > 0.0 && self.m2.is_finite()).then_some(self.m2)
    }
}

impl Extend<f64> for Moments {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for x in values {
            self.push(x);
        }
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut m = Self::new();
        m.extend(values);
        m
    }
}

/// Mean and variance of weighted values, and the effective sample size of the weights.
///
/// ```
/// use ergodic_math::moments::WeightedMoments;
///
/// let mut m = WeightedMoments::new();
/// m.push(1.0, 3.0)?;
/// m.push(5.0, 1.0)?;
/// assert_eq!(m.mean(), Some(2.0));
/// assert_eq!(m.population_variance(), Some(3.0));
/// assert_eq!(m.effective_sample_size(), Some(1.6));
/// # Ok::<(), ergodic_math::moments::MomentsError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedMoments {
    weight: f64,
    squares: f64,
    mean: f64,
    m2: f64,
}

impl WeightedMoments {
    /// Of no values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds an accumulator from `Σw`, `Σw²`, the mean (0 of nothing) and
    /// `M₂ = Σ w (x − x̄)²`, bit for bit.
    ///
    /// # Errors
    /// [`MomentsError::Parts`].
    pub fn from_parts(weight: f64, squares: f64, mean: f64, m2: f64) -> Result<Self, MomentsError> {
        for (part, found) in [
            ("weight", weight),
            ("squares", squares),
            ("mean", mean),
            ("M2", m2),
        ] {
            let empty = weight == 0.0 && found != 0.0;
            if !found.is_finite() || empty || (part != "mean" && found < 0.0) {
                return Err(MomentsError::Parts { part, found });
            }
        }
        Ok(Self {
            weight,
            squares,
            mean,
            m2,
        })
    }

    /// Takes in `x` with weight `w`; weight 0 changes nothing.
    ///
    /// # Errors
    /// [`MomentsError::Weight`].
    #[inline]
    pub fn push(&mut self, x: f64, w: f64) -> Result<(), MomentsError> {
        if !(w >= 0.0 && w.is_finite()) {
            return Err(MomentsError::Weight { found: w });
        }
        if w == 0.0 {
            return Ok(());
        }
        self.merge(&Self {
            weight: w,
            squares: w * w,
            mean: x,
            m2: 0.0,
        });
        Ok(())
    }

    /// Takes in all that `other` has seen; `O(1)`.
    pub fn merge(&mut self, other: &Self) {
        if other.weight == 0.0 {
            return;
        }
        if self.weight == 0.0 {
            *self = *other;
            return;
        }
        let total = self.weight + other.weight;
        let delta = other.mean - self.mean;
        let share = other.weight / total;
        self.m2 = self.m2 + other.m2 + delta * delta * (self.weight * share);
        self.mean = towards(self.mean, other.mean, share);
        self.squares += other.squares;
        self.weight = total;
    }

    /// `Σw`.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// `Σw²`.
    pub fn weight_squares(&self) -> f64 {
        self.squares
    }

    /// `M₂ = Σ w (x − x̄)²`.
    pub fn central_sum(&self) -> f64 {
        self.m2
    }

    /// `x̄ = Σwx/Σw`, for a positive total weight.
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean).and_then(in_range)
    }

    /// `M₂/Σw`.
    pub fn population_variance(&self) -> Option<f64> {
        (self.weight > 0.0)
            .then(|| self.m2 / self.weight)
            .and_then(in_range)
    }

    /// `M₂/(Σw − Σw²/Σw)`, unbiased when the weights do not depend on the values, for at least
    /// two positive weights.
    pub fn variance(&self) -> Option<f64> {
        let free = self.weight - self.squares / self.weight;
        (free > 4.0 * f64::EPSILON * self.weight)
            .then(|| self.m2 / free)
            .and_then(in_range)
    }

    /// `(Σw)²/Σw²` (Kish), between 1 and the number of values.
    pub fn effective_sample_size(&self) -> Option<f64> {
        (self.squares > 0.0)
            .then(|| self.weight / self.squares * self.weight)
            .and_then(in_range)
    }
}

/// Mean vector and co-moment matrix `Σ (xᵢ − x̄)(xᵢ − x̄)ᵀ` of vectors.
///
/// A push costs `O(d²)`, the upper triangle only; no allocation.
///
/// ```
/// use ergodic_math::moments::Covariance;
///
/// let mut c = Covariance::new(2);
/// for x in [[0.0, 1.0], [2.0, 5.0], [4.0, 9.0]] {
///     c.push(&x)?;
/// }
/// assert_eq!(c.mean().unwrap().as_slice(), [2.0, 5.0]);
/// assert_eq!(c.covariance().unwrap().as_slice(), [4.0, 8.0, 8.0, 16.0]);
/// # Ok::<(), ergodic_math::moments::MomentsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    count: u64,
    mean: DVector<f64>,
    /// The upper triangle with the diagonal; zero below.
    comoment: DMatrix<f64>,
    delta: DVector<f64>,
}

impl Covariance {
    /// Of no vectors of dimension `dim`.
    pub fn new(dim: usize) -> Self {
        Self {
            count: 0,
            mean: DVector::zeros(dim),
            comoment: DMatrix::zeros(dim, dim),
            delta: DVector::zeros(dim),
        }
    }

    /// Rebuilds an accumulator from its count, its mean (zeros of nothing) and
    /// [`comoment`](Self::comoment), of which only the upper triangle is read, bit for bit.
    ///
    /// # Errors
    /// [`MomentsError::Dimension`] unless `comoment` is square of the mean's dimension,
    /// [`MomentsError::Parts`].
    pub fn from_parts(
        count: u64,
        mean: &[f64],
        comoment: &DMatrix<f64>,
    ) -> Result<Self, MomentsError> {
        let dim = mean.len();
        for found in [comoment.nrows(), comoment.ncols()] {
            if found != dim {
                return Err(MomentsError::Dimension {
                    found,
                    expected: dim,
                });
            }
        }
        let mut c = Self::new(dim);
        let allowed = |x: f64| x.is_finite() && (count > 0 || x == 0.0);
        for j in 0..dim {
            if !allowed(mean[j]) {
                return Err(MomentsError::Parts {
                    part: "mean",
                    found: mean[j],
                });
            }
            c.mean[j] = mean[j];
            for i in 0..=j {
                let found = comoment[(i, j)];
                if !allowed(found) || (i == j && found < 0.0) {
                    return Err(MomentsError::Parts {
                        part: "comoment",
                        found,
                    });
                }
                c.comoment[(i, j)] = found;
            }
        }
        c.count = count;
        Ok(c)
    }

    fn check(&self, found: usize) -> Result<(), MomentsError> {
        let expected = self.dim();
        if found == expected {
            Ok(())
        } else {
            Err(MomentsError::Dimension { found, expected })
        }
    }

    /// Takes one vector in.
    ///
    /// # Errors
    /// [`MomentsError::Dimension`].
    pub fn push(&mut self, x: &[f64]) -> Result<(), MomentsError> {
        self.check(x.len())?;
        self.absorb(x, 1);
        Ok(())
    }

    /// Takes in all that `other` has seen; `O(d²)`.
    ///
    /// # Errors
    /// [`MomentsError::Dimension`].
    pub fn merge(&mut self, other: &Self) -> Result<(), MomentsError> {
        self.check(other.dim())?;
        if other.count == 0 {
            return Ok(());
        }
        if self.count == 0 {
            self.clone_from(other);
            return Ok(());
        }
        self.comoment += &other.comoment;
        self.absorb(other.mean.as_slice(), other.count);
        Ok(())
    }

    /// Adds `count` vectors of mean `x`, whose spread about it is in the co-moment already.
    fn absorb(&mut self, x: &[f64], count: u64) {
        let (a, b) = (self.count as f64, count as f64);
        let share = b / (a + b);
        for (d, (&x, &m)) in self.delta.iter_mut().zip(x.iter().zip(self.mean.iter())) {
            *d = x - m;
        }
        if self.count > 0 {
            for j in 0..x.len() {
                let dj = self.delta[j] * (a * share);
                for i in 0..=j {
                    self.comoment[(i, j)] += self.delta[i] * dj;
                }
            }
        }
        for (m, &x) in self.mean.iter_mut().zip(x) {
            *m = towards(*m, x, share);
        }
        self.count += count;
    }

    /// The dimension.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// The number of vectors.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `x̄`, from one vector on.
    pub fn mean(&self) -> Option<&DVector<f64>> {
        (self.count > 0 && self.mean.iter().all(|x| x.is_finite())).then_some(&self.mean)
    }

    /// The symmetric matrix `Σ (xᵢ − x̄)(xᵢ − x̄)ᵀ`.
    pub fn comoment(&self) -> DMatrix<f64> {
        let mut full = self.comoment.clone();
        full.fill_lower_triangle_with_upper_triangle();
        full
    }

    /// The unbiased covariance, comoment/(n − 1), from two vectors on.
    pub fn covariance(&self) -> Option<DMatrix<f64>> {
        let c = (self.count > 1).then(|| self.comoment() / (self.count - 1) as f64)?;
        c.iter().all(|x| x.is_finite()).then_some(c)
    }

    /// Pearson's correlation matrix: ones on the diagonal, none where a coordinate is constant.
    pub fn correlation(&self) -> Option<DMatrix<f64>> {
        let mut c = self.covariance()?;
        let s: Vec<f64> = c.diagonal().iter().map(|v| v.sqrt()).collect();
        if s.contains(&0.0) {
            return None;
        }
        for j in 0..s.len() {
            for i in 0..s.len() {
                c[(i, j)] = if i == j {
                    1.0
                } else {
                    // Rounding may leave [−1, 1] by an ulp.
                    (c[(i, j)] / s[i] / s[j]).clamp(-1.0, 1.0)
                };
            }
        }
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    fn sample(n: usize, shift: f64) -> Vec<f64> {
        let mut rng = rng::stream(21, 0);
        (0..n)
            .map(|_| shift - rng::uniform(&mut rng).max(1e-300).ln())
            .collect()
    }

    /// Two passes with compensated sums.
    fn truth(x: &[f64]) -> [f64; 4] {
        let mean = crate::reduce::mean(x).unwrap();
        let power =
            |p| crate::reduce::sum(&x.iter().map(|x| (x - mean).powi(p)).collect::<Vec<_>>());
        [mean, power(2), power(3), power(4)]
    }

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance * b.abs(), "{a} vs {b}");
    }

    #[test]
    fn one_pass_equals_two_passes_also_at_a_large_mean() {
        for shift in [0.0, -40.0, 1e7] {
            let x = sample(5000, shift);
            let m: Moments = x.iter().copied().collect();
            let [mean, m2, m3, m4] = truth(&x);
            // The running mean is rounded to ε|mean|, and that against a spread of 1.
            let tolerance = 1e-12 + 1e-14 * shift.abs();
            close(m.mean().unwrap(), mean, 1e-14);
            for (found, exact) in m.central_sums().into_iter().zip([m2, m3, m4]) {
                close(found, exact, tolerance);
            }
        }
    }

    #[test]
    fn known_samples_have_their_moments() {
        // Bernoulli(1/4): skewness 2/√3, excess kurtosis −2/3.
        let m: Moments = [0.0, 0.0, 1.0, 0.0].into_iter().collect();
        close(m.population_variance().unwrap(), 0.1875, 1e-15);
        close(m.skewness().unwrap(), 2.0 / 3f64.sqrt(), 1e-15);
        close(m.excess_kurtosis().unwrap(), -2.0 / 3.0, 1e-14);
        close(m.std_err().unwrap(), 0.25, 1e-15);
    }

    #[test]
    fn merging_equals_pushing_and_is_associative_within_rounding() {
        let x = sample(3001, 3.0);
        let whole: Moments = x.iter().copied().collect();
        for (i, j) in [
            (0, 0),
            (0, 1),
            (1, 2),
            (100, 2000),
            (3000, 3001),
            (1500, 1500),
        ] {
            let part = |r: std::ops::Range<usize>| x[r].iter().copied().collect::<Moments>();
            let (a, b, c) = (part(0..i), part(i..j), part(j..3001));
            let mut left = a;
            left.merge(&b);
            left.merge(&c);
            let mut bc = b;
            bc.merge(&c);
            let mut right = a;
            right.merge(&bc);
            for m in [left, right] {
                assert_eq!(m.count(), 3001);
                close(m.mean().unwrap(), whole.mean().unwrap(), 1e-14);
                for (found, exact) in m.central_sums().into_iter().zip(whole.central_sums()) {
                    close(found, exact, 1e-12);
                }
            }
        }
    }

    #[test]
    fn undefined_and_overflowing_moments_are_none_never_nan() {
        let m = Moments::new();
        assert_eq!(
            (m.mean(), m.variance(), m.skewness(), m.std_err()),
            (None, None, None, None)
        );
        let constant: Moments = [0.1; 10].into_iter().collect();
        assert_eq!(constant.variance(), Some(0.0));
        assert_eq!(
            (constant.skewness(), constant.excess_kurtosis()),
            (None, None)
        );
        let huge: Moments = [f64::MAX, -f64::MAX, f64::MAX, -f64::MAX]
            .into_iter()
            .collect();
        close(huge.mean().unwrap() + f64::MAX, f64::MAX, 1e-15);
        assert_eq!((huge.variance(), huge.skewness()), (None, None));
        let nan: Moments = [1.0, f64::NAN].into_iter().collect();
        assert_eq!(nan.mean(), None);
    }

    #[test]
    fn parts_rebuild_the_same_bits_and_are_checked() {
        let m: Moments = sample(77, 1.0).into_iter().collect();
        let again = Moments::from_parts(m.count(), m.mean().unwrap(), m.central_sums());
        assert_eq!(again, Ok(m));
        assert!(Moments::from_parts(3, 0.0, [-1.0, 0.0, 1.0]).is_err());
        assert!(Moments::from_parts(0, 1.0, [0.0; 3]).is_err());
        assert!(Moments::from_parts(2, f64::NAN, [0.0; 3]).is_err());
        let mut w = WeightedMoments::new();
        w.push(2.0, 0.3).unwrap();
        w.push(1.0, 0.5).unwrap();
        assert_eq!(
            WeightedMoments::from_parts(
                w.weight(),
                w.weight_squares(),
                w.mean().unwrap(),
                w.central_sum()
            ),
            Ok(w)
        );
        let mut c = Covariance::new(2);
        c.push(&[1.0, 2.0]).unwrap();
        c.push(&[1.5, 0.0]).unwrap();
        let again =
            Covariance::from_parts(c.count(), c.mean().unwrap().as_slice(), &c.comoment()).unwrap();
        assert_eq!(again.comoment(), c.comoment());
        assert!(Covariance::from_parts(2, &[0.0], &DMatrix::zeros(2, 2)).is_err());
    }

    #[test]
    fn integer_weights_are_repeated_values() {
        let x = sample(500, 0.0);
        let (mut weighted, mut repeated) = (WeightedMoments::new(), Moments::new());
        for (i, &x) in x.iter().enumerate() {
            weighted.push(x, (i % 4) as f64).unwrap();
            repeated.extend(std::iter::repeat_n(x, i % 4));
        }
        close(weighted.mean().unwrap(), repeated.mean().unwrap(), 1e-13);
        close(
            weighted.population_variance().unwrap(),
            repeated.population_variance().unwrap(),
            1e-12,
        );
        let equal: Moments = x.iter().copied().collect();
        let mut unit = WeightedMoments::new();
        for &x in &x {
            unit.push(x, 2.5).unwrap();
        }
        close(unit.variance().unwrap(), equal.variance().unwrap(), 1e-12);
        close(unit.effective_sample_size().unwrap(), 500.0, 1e-12);
        assert!(unit.push(1.0, -1.0).is_err());
        assert!(unit.push(1.0, f64::NAN).is_err());
        let mut one = WeightedMoments::new();
        one.push(1.0, 0.7).unwrap();
        assert_eq!(one.variance(), None);
    }

    #[test]
    fn covariance_equals_two_passes_and_merges() {
        let (n, d) = (400, 5);
        let x = sample(n * d, 10.0);
        let rows: Vec<&[f64]> = x.chunks(d).collect();
        let mut whole = Covariance::new(d);
        for r in &rows {
            whole.push(r).unwrap();
        }
        let mut merged = Covariance::new(d);
        for part in rows.chunks(37) {
            let mut c = Covariance::new(d);
            for r in part {
                c.push(r).unwrap();
            }
            merged.merge(&c).unwrap();
        }
        let mean: Vec<f64> = (0..d)
            .map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / n as f64)
            .collect();
        for c in [&whole, &merged] {
            let (cov, cor) = (c.covariance().unwrap(), c.correlation().unwrap());
            for i in 0..d {
                for j in 0..d {
                    let exact = rows
                        .iter()
                        .map(|r| (r[i] - mean[i]) * (r[j] - mean[j]))
                        .sum::<f64>()
                        / (n - 1) as f64;
                    assert!((cov[(i, j)] - exact).abs() < 1e-12);
                    let r = exact / (cov[(i, i)] * cov[(j, j)]).sqrt();
                    assert!((cor[(i, j)] - r).abs() < 1e-12);
                }
            }
        }
        assert_eq!(
            whole.push(&[1.0]),
            Err(MomentsError::Dimension {
                found: 1,
                expected: 5
            })
        );
        assert_eq!(Covariance::new(2).covariance(), None);
    }
}

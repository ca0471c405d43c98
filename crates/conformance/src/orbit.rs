//! Hamiltonian kernels along one orbit of their integrator, and the integrator itself.

use ergodic_core::{Energy, MarkovKernel, Randomness, TargetError};
use ergodic_math::Real;
use nalgebra::DMatrix;

use crate::enumerate::{Enumerate, EnumerateError, Failure, Limits};
use crate::report::{Finding, Law, Report};

/// A point of phase space.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// The position.
    pub x: Vec<f64>,
    /// The momentum.
    pub p: Vec<f64>,
}

impl Phase {
    /// From position and momentum, of one length.
    pub fn new(x: impl Into<Vec<f64>>, p: impl Into<Vec<f64>>) -> Self {
        Self {
            x: x.into(),
            p: p.into(),
        }
    }

    fn flat(&self) -> Vec<f64> {
        [&self.x[..], &self.p[..]].concat()
    }
}

/// Points `zᵢ = φⁱ(z₀)` of one orbit of a map `φ` of phase space, with `wᵢ = exp(−Hᵢ)`.
///
/// A Hamiltonian kernel draws a momentum and then only moves along the orbit through `(x, p)`:
/// everything that it decides there (directions of doubling, choices within a tree, acceptance) is
/// discrete. Because `φ` keeps volume, the kernel leaves `exp(−H)` invariant if and only if
/// `Σᵢ wᵢ Pᵢⱼ = wⱼ` along (almost) every orbit, where `Pᵢⱼ` is the probability of ending at `xⱼ`
/// after having drawn the momentum `±pᵢ` at `xᵢ`, the sign with probability ½ each. That is a
/// finite sum of enumerable decisions, exact to rounding: far sharper than any histogram, and it
/// holds for HMC with a number of steps of any law and for NUTS of any kind (Betancourt,
/// arXiv:1701.02434; Hoffman and Gelman, *JMLR* 15, 1593 (2014)).
///
/// [`check`](Self::check) runs the kernel's own `step`: its normal draws are answered by the
/// momentum, all else is enumerated. [`check_transition`](Self::check_transition) takes any
/// function.
#[derive(Clone, Debug)]
pub struct Orbit {
    /// `z₋ᵣ, …, zᵣ`.
    points: Vec<Phase>,
    log_weights: Vec<f64>,
    reach: usize,
    undone: f64,
}

impl Orbit {
    /// The orbit through `start` under `forward` and its inverse `backward`, with the total energy
    /// `energy`, for kernels that make at most `reach` steps away from where they are: for `k`
    /// doublings `2ᵏ − 1`.
    ///
    /// # Errors
    /// If a point or its energy is not finite: choose another start.
    pub fn new(
        start: Phase,
        reach: usize,
        mut forward: impl FnMut(&mut Phase),
        mut backward: impl FnMut(&mut Phase),
        energy: impl Fn(&Phase) -> f64,
    ) -> Result<Self, EnumerateError> {
        // Row i needs all it can reach, column j all that can reach it.
        let far = 3 * reach;
        let mut points = vec![start.clone()];
        let mut undone = 0.0f64;
        let mut at = start.clone();
        for _ in 0..far {
            backward(&mut at);
            points.push(at.clone());
            let mut back = at.clone();
            forward(&mut back);
            undone = larger(undone, distance(&back, &points[points.len() - 2]));
        }
        points.reverse();
        at = start;
        for _ in 0..far {
            forward(&mut at);
            points.push(at.clone());
            let mut back = at.clone();
            backward(&mut back);
            undone = larger(undone, distance(&back, &points[points.len() - 2]));
        }
        let mut log_weights = Vec::with_capacity(points.len());
        for z in &points {
            let h = energy(z);
            if !(h.is_finite() && z.flat().iter().all(|v| v.is_finite())) {
                let error = TargetError::non_finite("total energy along the orbit", h);
                return Err(EnumerateError::at(z, Failure::Target(error)));
            }
            log_weights.push(-h);
        }
        Ok(Self {
            points,
            log_weights,
            reach,
            undone,
        })
    }

    /// The index of the point whose position is `x`, to rounding.
    fn place(&self, x: &[f64]) -> Option<usize> {
        let gap = |a: &[f64]| {
            a.iter()
                .zip(x)
                .map(|(a, b)| (a - b).abs() / (1.0 + a.abs()))
                .fold(0.0, larger)
        };
        (0..self.points.len())
            .map(|i| (i, gap(&self.points[i].x)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, gap)| *gap < 1e-8)
            .map(|(i, _)| i)
    }

    /// Whether `kernel` leaves the weights of the orbit invariant, to `tolerance` relative to the
    /// largest weight that reaches a point.
    ///
    /// `standard` turns the momentum of a point into the standard normal draws from which the
    /// kernel makes it, in their order: the identity for unit mass, `z = L⁻¹p` for `M = LLᵀ`. The
    /// kernel has to make its steps with the map of the orbit; a position that is not on it is an
    /// error.
    ///
    /// # Errors
    /// If the kernel fails, draws more normals than it has momenta or other continuous variables,
    /// breaks the rules of [`Enumerate`], or leaves the orbit.
    pub fn check<T, K>(
        &self,
        kernel: &K,
        target: &T,
        standard: impl Fn(&Phase) -> Vec<f64>,
        tolerance: f64,
    ) -> Result<Report, EnumerateError>
    where
        T: Energy<State = [f64]> + ?Sized,
        K: MarkovKernel<T>,
    {
        self.check_transition(tolerance, |rng, z| {
            let mut kernel = kernel.clone();
            let mut state = kernel.init(target, &z.x)?;
            let momentum = standard(z);
            let mut rng = Given {
                normals: &momentum,
                rng,
            };
            kernel.step(target, &mut state, &mut rng)?;
            Ok(kernel.position(target, &state).to_vec())
        })
    }

    /// [`check`](Self::check) for any transition: from a point to the position that it ends at.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_transition(
        &self,
        tolerance: f64,
        mut transition: impl FnMut(&mut Enumerate, &Phase) -> Result<Vec<f64>, TargetError>,
    ) -> Result<Report, EnumerateError> {
        let r = self.reach;
        let middle = 3 * r;
        let limits = Limits::default();
        let top = self.log_weights[middle - 2 * r..=middle + 2 * r]
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let weight = |i: usize| Real::exp(self.log_weights[i] - top);
        let n = self.points.len();
        let (mut inflow, mut scale) = (vec![0.0; n], vec![0.0f64; n]);
        let (mut paths, mut lost, mut stays, mut mass) = (0, 0.0f64, 0.0, 0.0);
        for i in middle - 2 * r..=middle + 2 * r {
            let mut row = vec![0.0; n];
            for sign in [1.0, -1.0] {
                let z = Phase {
                    x: self.points[i].x.clone(),
                    p: self.points[i].p.iter().map(|p| sign * p).collect(),
                };
                let fatal = |failure| EnumerateError::at(&z, failure);
                paths += Enumerate::new(limits.decisions, None)
                    .run(
                        limits.paths,
                        |rng| transition(rng, &z),
                        |path, end| {
                            let x = end.map_err(Failure::Target)?;
                            let Some(j) = self.place(&x) else {
                                return Err(Failure::UnknownState {
                                    reached: format!("{x:?}"),
                                });
                            };
                            row[j] += 0.5 * path.probability;
                            Ok(())
                        },
                    )
                    .map_err(fatal)?;
            }
            lost = lost.max((row.iter().sum::<f64>() - 1.0).abs());
            stays += weight(i) * row[i];
            mass += weight(i);
            for (j, p) in row.iter().enumerate() {
                if *p > 0.0 {
                    inflow[j] += weight(i) * p;
                    scale[j] = scale[j].max(weight(i)).max(weight(j));
                }
            }
        }
        let (mut worst, mut at) = (0.0, middle);
        for j in middle - r..=middle + r {
            let defect = (inflow[j] - weight(j)).abs() / scale[j].max(f64::MIN_POSITIVE);
            if defect > worst {
                (worst, at) = (defect, j);
            }
        }
        let law = |law, residual: f64, detail: String| Finding {
            law,
            passed: residual <= tolerance,
            residual,
            detail,
        };
        Ok(Report {
            subject: format!(
                "{} starts on one orbit, {paths} paths, tolerance {tolerance:.1e}",
                4 * r + 1
            ),
            findings: vec![
                law(
                    Law::MapReversibility,
                    // Rounding grows along the orbit; the kernel is matched to it at 1e-8.
                    if self.undone < 1e-9 { 0.0 } else { self.undone },
                    format!("a step and its inverse are {:.1e} apart", self.undone),
                ),
                law(Law::Probability, lost, "a row does not sum to 1".to_owned()),
                Finding {
                    law: Law::Moves,
                    passed: stays < mass * (1.0 - tolerance),
                    residual: 1.0 - stays / mass,
                    detail: "the probability of leaving the start".to_owned(),
                },
                law(
                    Law::Invariance,
                    worst,
                    format!(
                        "at {} steps from the start: Σ wᵢPᵢⱼ = {:.12e}, wⱼ = {:.12e}",
                        at as i64 - middle as i64,
                        inflow[at],
                        weight(at)
                    ),
                ),
            ],
        })
    }
}

fn distance(a: &Phase, b: &Phase) -> f64 {
    apart(&a.flat(), &b.flat())
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs() / (1.0 + b.abs()))
        .fold(0.0, larger)
}

/// The larger of two, NaN if either is: nothing is close to NaN.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// Answers normal draws from a list, the rest by enumeration.
struct Given<'a> {
    normals: &'a [f64],
    rng: &'a mut Enumerate,
}

impl Randomness for Given<'_> {
    fn bernoulli(&mut self, p: f64) -> bool {
        self.rng.bernoulli(p)
    }
    fn index(&mut self, n: usize) -> usize {
        self.rng.index(n)
    }
    fn categorical(&mut self, weights: &[f64]) -> usize {
        self.rng.categorical(weights)
    }
    fn uniform(&mut self) -> f64 {
        self.rng.uniform()
    }
    fn normal(&mut self) -> f64 {
        match self.normals.split_first() {
            Some((&first, rest)) => {
                self.normals = rest;
                first
            }
            None => self.rng.normal(), // which fails and says so
        }
    }
    fn exponential(&mut self) -> f64 {
        self.rng.exponential()
    }
}

/// Whether a map of `Rⁿ` is undone by `inverse` and keeps volume at each of `points`: what a
/// Hamiltonian kernel asks of its integrator.
///
/// For a reversible integrator of phase space the inverse is "flip the momentum, step, flip". The
/// determinant of the Jacobian is taken from central differences of fourth order with a step of
/// 2⁻⁹ of each coordinate's size: its own error is about `1e-11` for smooth maps, so `tolerance`
/// should be `1e-8` or more. The relative distance to the start after map and inverse is held to
/// the same tolerance. Cost: `4n + 2` maps and a determinant per point.
///
/// ```
/// use ergodic_conformance::{Law, check_integrator};
///
/// // Leapfrog on E = x⁴/4, z = (x, p).
/// let leapfrog = |z: &mut [f64]| {
///     z[1] -= 0.05 * z[0].powi(3);
///     z[0] += 0.1 * z[1];
///     z[1] -= 0.05 * z[0].powi(3);
/// };
/// let back = |z: &mut [f64]| {
///     z[1] = -z[1];
///     leapfrog(z);
///     z[1] = -z[1];
/// };
/// let points = [vec![1.0, 0.3], vec![-0.2, 1.5]];
/// assert!(check_integrator(leapfrog, back, &points, 1e-9).passed());
///
/// // Euler's method gains volume.
/// let euler = |z: &mut [f64]| {
///     let kick = 0.1 * z[0].powi(3);
///     z[0] += 0.1 * z[1];
///     z[1] -= kick;
/// };
/// assert!(check_integrator(euler, back, &points, 1e-9).fails(Law::Volume));
/// ```
pub fn check_integrator(
    mut map: impl FnMut(&mut [f64]),
    mut inverse: impl FnMut(&mut [f64]),
    points: &[Vec<f64>],
    tolerance: f64,
) -> Report {
    let (mut undone, mut undone_at) = (0.0f64, 0);
    let (mut volume, mut volume_at) = (0.0f64, (0, 1.0));
    for (place, start) in points.iter().enumerate() {
        let mut z = start.clone();
        map(&mut z);
        inverse(&mut z);
        let gap = apart(&z, start);
        if gap > undone || gap.is_nan() {
            (undone, undone_at) = (gap, place);
        }
        let n = start.len();
        let mut jacobian = DMatrix::zeros(n, n);
        for k in 0..n {
            let h = (1.0 + start[k].abs()) / 512.0;
            let mut at = |factor: f64| {
                let mut z = start.clone();
                z[k] += factor * h;
                map(&mut z);
                z
            };
            let (a, b, c, d) = (at(-2.0), at(-1.0), at(1.0), at(2.0));
            for i in 0..n {
                jacobian[(i, k)] = (8.0 * (c[i] - b[i]) - (d[i] - a[i])) / (12.0 * h);
            }
        }
        let determinant = jacobian.determinant();
        let defect = (determinant.abs() - 1.0).abs();
        if defect > volume || defect.is_nan() {
            (volume, volume_at) = (defect, (place, determinant));
        }
    }
    Report {
        subject: format!(
            "a map at {} points, tolerance {tolerance:.1e}",
            points.len()
        ),
        findings: vec![
            Finding {
                law: Law::MapReversibility,
                passed: undone <= tolerance,
                residual: undone,
                detail: format!(
                    "map and inverse end elsewhere than at {:?}",
                    points.get(undone_at)
                ),
            },
            Finding {
                law: Law::Volume,
                passed: volume <= tolerance,
                residual: volume,
                detail: format!(
                    "the Jacobian determinant is {} at {:?}",
                    volume_at.1,
                    points.get(volume_at.0)
                ),
            },
        ],
    }
}

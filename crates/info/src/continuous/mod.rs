//! Entropies, divergences and mutual information of continuous and mixed data, from samples.
//!
//! | what | how |
//! |---|---|
//! | entropy | [`KozachenkoLeonenko`], [`WeightedNeighbors`], [`KernelDensity`] |
//! | mutual information | [`Ksg`], with a symbol [`SymbolNeighbors`], of anything [`MixedNeighbors`] |
//! | conditional mutual information | [`FrenzelPompe`] |
//! | divergence between two samples | [`KullbackLeiblerNeighbors`], [`RenyiNeighbors`] |
//!
//! All but [`KernelDensity`] read densities from the distances to nearest neighbours. What they
//! have in common:
//!
//! * **They need a density**, and read it over the radius of the k-th neighbour: where it changes
//!   within that radius they are biased, by O((k/N)^{2/d}) for smooth densities. Small `k` has
//!   little bias and much variance; the classics use 3 or 4. In more than about five dimensions
//!   the bias decides, and no interval shows it; the search for bias of
//!   [`Inference`](crate::Inference) does.
//! * **Coincident points** have no density: see [`Ties`].
//! * **Units matter** where coordinates are compared within a point: see [`Scaling`].
//! * Observations are independent. For series, leave out neighbours in time or use
//!   [`series`](crate::series).

mod conditional;
mod divergence;
mod kernel_density;
mod kozachenko_leonenko;
mod ksg;
mod mixed;
mod symbol;
mod two_samples;
mod weighted;

use std::borrow::Cow;

use ergodic_core::Randomness;
use ergodic_math::{Real, reduce, rng};
use rayon::prelude::*;

use crate::neighbors::{Line, Norm, Reach, Tree};
use crate::{InfoError, Points, Sample};

pub use conditional::FrenzelPompe;
pub use divergence::{KullbackLeiblerNeighbors, RenyiNeighbors};
pub use kernel_density::{Bandwidth, KernelDensity};
pub use kozachenko_leonenko::KozachenkoLeonenko;
pub use ksg::{Ksg, KsgAlgorithm};
pub use mixed::MixedNeighbors;
pub use symbol::SymbolNeighbors;
pub use two_samples::TwoSamples;
pub use weighted::WeightedNeighbors;

/// What to do about points that coincide, or distances that do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// Take the data as they are. Where `k + 1` points coincide there is no density to read, and
    /// estimators that need one refuse, naming a row. Fewer coincident points, and equal
    /// distances, are counted as they are.
    #[default]
    Exact,
    /// Centre each coordinate and add uniform noise of width 10⁻¹⁰ standard deviations of it, from
    /// this seed (Kraskov, Stögbauer and Grassberger 2004, §II). For data that are continuous but
    /// were rounded. On data that are truly discrete the answer is then that of the noise: an
    /// entropy near −23 nats per such coordinate. Use [`MixedNeighbors`] there.
    Noise {
        /// The seed of the noise.
        seed: u64,
    },
}

/// What to do to the coordinates before distances are taken.
///
/// Neighbours are those of the scaled points. Mutual information itself does not change under
/// monotone maps of single coordinates, its estimate does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// Nothing, as in the papers.
    #[default]
    None,
    /// Divide each coordinate by its standard deviation (a constant one stays). Entropies are
    /// corrected by the logarithm of the factors, so that they are those of the data given.
    Standard,
    /// Replace each coordinate by its ranks (the mean rank where values are equal), divided by N.
    /// For mutual information of heavy-tailed data. Entropies and divergences refuse it.
    Ranks,
}

/// A sample as an estimator sees it: scaled, with noise where asked for. `part` tells the noise
/// of samples that are seen together apart. Also the log of the volume that the scaling took away.
fn prepared(
    points: &Points,
    scaling: Scaling,
    ties: Ties,
    part: u64,
) -> Result<(Cow<'_, Points>, f64), InfoError> {
    if scaling == Scaling::None && ties == Ties::Exact {
        return Ok((Cow::Borrowed(points), 0.0));
    }
    let (len, dim) = (points.len(), points.dim());
    let mut values = points.as_slice().to_vec();
    let mut log_volume = 0.0;
    let mut noise = match ties {
        Ties::Exact => None,
        Ties::Noise { seed } => Some(rng::stream(seed, part)),
    };
    for j in 0..dim {
        let mut column: Vec<f64> = values[j..].iter().step_by(dim).copied().collect();
        match scaling {
            Scaling::None => {}
            Scaling::Standard => {
                let scale = spread(&column)?.1;
                if scale > 0.0 {
                    for x in &mut column {
                        *x /= scale;
                    }
                    log_volume += Real::ln(scale);
                }
            }
            Scaling::Ranks => column = ranks(&column),
        }
        if let Some(noise) = &mut noise {
            let (mean, scale) = spread(&column)?;
            if scale > 0.0 {
                for x in &mut column {
                    *x = (*x - mean) + NOISE * scale * (noise.uniform() - 0.5);
                }
            }
        }
        for (x, scaled) in values[j..].iter_mut().step_by(dim).zip(column) {
            *x = scaled;
        }
    }
    debug_assert_eq!(values.len(), len * dim);
    Ok((Cow::Owned(Points::new(values, dim)?), log_volume))
}

/// The width of the noise that breaks ties, in standard deviations.
const NOISE: f64 = 1e-10;

/// Mean and standard deviation.
fn spread(column: &[f64]) -> Result<(f64, f64), InfoError> {
    let n = column.len() as f64;
    let mean = reduce::sum(column) / n;
    let squares: Vec<f64> = column.iter().map(|x| (x - mean) * (x - mean)).collect();
    let deviation = (reduce::sum(&squares) / n).sqrt();
    if deviation.is_finite() {
        Ok((mean, deviation))
    } else {
        Err(InfoError::argument(
            "points",
            "a coordinate whose variance overflows",
            "coordinates below 10¹⁵⁰",
        ))
    }
}

/// Mean ranks over N, in (0, 1].
fn ranks(column: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_unstable_by(|a, b| column[*a].total_cmp(&column[*b]).then(a.cmp(b)));
    let mut out = vec![0.0; column.len()];
    let mut start = 0;
    for group in order.chunk_by(|a, b| column[*a] == column[*b]) {
        // Ranks start + 1, …, start + length.
        let mean = start as f64 + 0.5 * (group.len() + 1) as f64;
        for row in group {
            out[*row] = mean / column.len() as f64;
        }
        start += group.len();
    }
    out
}

/// That there are at least one and less than N neighbours.
fn check_neighbors(k: usize, len: usize) -> Result<(), InfoError> {
    if k == 0 || k >= len {
        return Err(InfoError::argument(
            "neighbors",
            k,
            format!("at least 1 and below the number of points, {len}"),
        ));
    }
    Ok(())
}

/// The points of several samples side by side.
fn joined(parts: &[&Points]) -> Result<Points, InfoError> {
    let dim = parts.iter().map(|p| p.dim()).sum();
    let len = parts.first().map_or(0, |p| p.len());
    let mut values = Vec::with_capacity(len * dim);
    for row in 0..len {
        for part in parts {
            values.extend_from_slice(part.row(row));
        }
    }
    Points::new(values, dim)
}

/// Whether all points are the same.
fn is_constant(points: &Points) -> bool {
    (0..points.dim()).all(|j| points.is_constant(j))
}

/// The distance from each point to its k-th neighbour, by places of the tree.
fn radii_in_place(tree: &Tree, k: usize, norm: Norm) -> Vec<f64> {
    let mut distances = tree.distances_in_place(k, norm);
    if k > 1 {
        for place in 0..tree.len() {
            distances[place] = distances[(place + 1) * k - 1];
        }
        distances.truncate(tree.len());
    }
    distances
}

/// That every radius is positive and finite; the row is named.
fn check_radii<'a>(
    radii: impl IntoIterator<Item = (usize, &'a f64)>,
    k: usize,
    argument: &'static str,
    remedy: &'static str,
) -> Result<(), InfoError> {
    let bad = radii
        .into_iter()
        .filter(|(_, r)| !(**r > 0.0 && **r < f64::INFINITY))
        .min_by_key(|(row, _)| *row);
    match bad {
        None => Ok(()),
        Some((row, 0.0)) => Err(InfoError::argument(
            argument,
            format!("row {row}, which coincides with {k} others"),
            format!("fewer than {} equal points; {remedy}", k + 1),
        )),
        Some((row, _)) => Err(InfoError::argument(
            argument,
            format!("row {row}, whose distance to its neighbours overflows"),
            "points whose distances are finite",
        )),
    }
}

/// What to do where points coincide and a density is needed.
const NO_DENSITY: &str =
    "`Ties::Noise` is for rounded data, `MixedNeighbors` for data that are partly discrete";

/// A sample made ready to count neighbours in. Apart from the counting, so that it can be made while
/// another thread still looks for the radii.
enum Neighborhood<'a> {
    Line(Line, &'a Points),
    Space(Tree),
}

impl<'a> Neighborhood<'a> {
    fn of(points: &'a Points) -> Result<Self, InfoError> {
        Ok(if points.dim() == 1 {
            Self::Line(Line::new(points.as_slice()), points)
        } else {
            Self::Space(Tree::new(points)?)
        })
    }

    /// How many points lie within `radii[row]` of each row in the maximum norm, itself included.
    fn counts(&self, radii: &[f64], reach: Reach) -> Vec<u32> {
        match self {
            Self::Space(tree) => tree.own_counts(radii, reach, Norm::Maximum),
            Self::Line(line, points) => {
                let mut out = vec![0; radii.len()];
                out.par_chunks_mut(TASK)
                    .zip(radii.par_chunks(TASK))
                    .zip(points.as_slice().par_chunks(TASK))
                    .for_each(|((out, radii), centres)| line.counts(centres, radii, reach, out));
                out
            }
        }
    }
}

/// [`Neighborhood::counts`] at once.
fn counts_within(points: &Points, radii: &[f64], reach: Reach) -> Result<Vec<u32>, InfoError> {
    Ok(Neighborhood::of(points)?.counts(radii, reach))
}

/// Rows per task.
const TASK: usize = 1024;

/// `ψ(1), …, ψ(n)` by the recurrence ψ(m + 1) = ψ(m) + 1/m in compensated arithmetic.
struct Digamma(Vec<f64>);

impl Digamma {
    fn up_to(n: usize) -> Self {
        // −γ in two parts.
        let (mut head, mut tail) = (-0.577_215_664_901_532_9, 4.942_915_152_430_645e-18);
        let mut table = Vec::with_capacity(n);
        for m in 1..=n {
            table.push(head + tail);
            let (sum, error) = reduce::two_sum(head, 1.0 / m as f64);
            head = sum;
            tail += error;
        }
        Self(table)
    }

    /// `ψ(n)` for `1 ≤ n ≤` the size of the table.
    #[inline(always)]
    fn at(&self, n: usize) -> f64 {
        self.0[n - 1]
    }
}

/// Mean of local contributions, and the standard error of it if they were independent with
/// `excess` more variance each.
fn mean_and_error(locals: &[f64], excess: f64) -> (f64, f64) {
    let n = locals.len() as f64;
    let mean = reduce::sum(locals) / n;
    let squares: Vec<f64> = locals.iter().map(|x| (x - mean) * (x - mean)).collect();
    let variance = reduce::sum(&squares) / (n - 1.0).max(1.0) + excess;
    (mean, (variance / n).sqrt())
}

/// As [`mean_and_error`] for contributions made of counts around a point. Each point stands in its own
/// contribution and in those of the points around it, which about doubles the variance of the mean:
/// on normals of correlation 0, 0.5 and 0.9, N = 300 and 2000 and k = 1, …, 10, N times the variance
/// of the mean was 1.0 to 2.9 times the variance of the contributions.
fn mean_and_doubled_error(locals: &[f64]) -> (f64, f64) {
    let (mean, error) = mean_and_error(locals, 0.0);
    (mean, std::f64::consts::SQRT_2 * error)
}

/// The setters that estimators with neighbours share.
macro_rules! neighbor_settings {
    ($name:ident) => {
        impl $name {
            /// The number of neighbours `k`, at least 1 and below the number of points.
            pub const fn neighbors(mut self, k: usize) -> Self {
                self.neighbors = k;
                self
            }

            /// What to do about coincident points; default [`Ties::Exact`](crate::continuous::Ties).
            pub const fn ties(mut self, ties: crate::continuous::Ties) -> Self {
                self.ties = ties;
                self
            }

            /// What to do to coordinates first; default
            /// [`Scaling::None`](crate::continuous::Scaling).
            pub const fn scaling(mut self, scaling: crate::continuous::Scaling) -> Self {
                self.scaling = scaling;
                self
            }
        }
    };
}
use neighbor_settings;

/// That ranks are not asked for where they would change the quantity.
fn refuse_ranks(scaling: Scaling) -> Result<(), InfoError> {
    if scaling == Scaling::Ranks {
        return Err(InfoError::argument(
            "scaling",
            "ranks",
            "none or standard: ranks have another entropy than the data",
        ));
    }
    Ok(())
}

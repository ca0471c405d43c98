//! Forecast probabilities with what happened, and how they are put into bins.

use crate::InfoError;

/// Probabilities forecast for yes-or-no events, and whether each came true.
///
/// Of a classifier with several classes, either the confidence in its first choice
/// ([`top_label`](Self::top_label)) or the probability of one class against the others
/// ([`of_class`](Self::of_class)); scores of all classes are sums over `of_class`.
///
/// ```
/// use ergodic_info::learning::Forecasts;
///
/// let rain = Forecasts::new([0.9, 0.2, 0.6], [true, false, false])?;
/// assert_eq!(rain.len(), 3);
/// let digits = Forecasts::top_label(&[0.7, 0.2, 0.1, 0.1, 0.5, 0.4], 3, &[0, 2])?;
/// assert_eq!((digits.probabilities(), digits.outcomes()), (&[0.7, 0.5][..], &[true, false][..]));
/// # Ok::<(), ergodic_info::InfoError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Forecasts {
    probabilities: Vec<f64>,
    outcomes: Vec<bool>,
}

impl Forecasts {
    /// Probabilities of the events, and whether they happened.
    ///
    /// # Errors
    /// If there are none, lengths differ, or a probability is not in `[0, 1]`.
    pub fn new(
        probabilities: impl Into<Vec<f64>>,
        outcomes: impl Into<Vec<bool>>,
    ) -> Result<Self, InfoError> {
        let (probabilities, outcomes) = (probabilities.into(), outcomes.into());
        if probabilities.is_empty() {
            return Err(InfoError::argument(
                "probabilities",
                "an empty list",
                "at least one forecast",
            ));
        }
        if outcomes.len() != probabilities.len() {
            return Err(InfoError::argument(
                "outcomes",
                format!("a list of {}", outcomes.len()),
                format!("as long as the probabilities, {}", probabilities.len()),
            ));
        }
        if let Some(i) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(InfoError::argument(
                "probabilities",
                format!("{} at position {i}", probabilities[i]),
                "between 0 and 1",
            ));
        }
        Ok(Self {
            probabilities,
            outcomes,
        })
    }

    /// The confidence of a classifier in its first choice (of equal ones, the first class) and
    /// whether it was right: `probabilities` is `n × classes` by rows.
    ///
    /// # Errors
    /// If the lists do not fit, a label is no class, or a probability is not in `[0, 1]`.
    pub fn top_label(
        probabilities: &[f64],
        classes: usize,
        labels: &[usize],
    ) -> Result<Self, InfoError> {
        check_labels(probabilities, classes, labels)?;
        let (mut confidence, mut right) = (Vec::new(), Vec::new());
        for (row, label) in probabilities.chunks_exact(classes).zip(labels) {
            let mut best = 0;
            for (k, p) in row.iter().enumerate() {
                if *p > row[best] {
                    best = k;
                }
            }
            confidence.push(row[best]);
            right.push(best == *label);
        }
        Self::new(confidence, right)
    }

    /// The probability of one class against the others, and whether it was the label.
    ///
    /// # Errors
    /// As [`top_label`](Self::top_label), and if there is no such class.
    pub fn of_class(
        probabilities: &[f64],
        classes: usize,
        labels: &[usize],
        class: usize,
    ) -> Result<Self, InfoError> {
        check_labels(probabilities, classes, labels)?;
        if class >= classes {
            return Err(InfoError::argument(
                "class",
                class,
                format!("below the number of classes, {classes}"),
            ));
        }
        Self::new(
            probabilities
                .chunks_exact(classes)
                .map(|row| row[class])
                .collect::<Vec<_>>(),
            labels.iter().map(|l| *l == class).collect::<Vec<_>>(),
        )
    }

    /// The number of forecasts.
    #[expect(
        clippy::len_without_is_empty,
        reason = "there is at least one forecast"
    )]
    pub fn len(&self) -> usize {
        self.probabilities.len()
    }

    /// The probabilities.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// What happened.
    pub fn outcomes(&self) -> &[bool] {
        &self.outcomes
    }

    /// `(p, y)` of each forecast, `y` being 1 or 0.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.probabilities
            .iter()
            .zip(&self.outcomes)
            .map(|(p, y)| (*p, if *y { 1.0 } else { 0.0 }))
    }

    /// The part of events that happened.
    pub(super) fn base_rate(&self) -> f64 {
        self.outcomes.iter().filter(|y| **y).count() as f64 / self.len() as f64
    }
}

fn check_labels(probabilities: &[f64], classes: usize, labels: &[usize]) -> Result<(), InfoError> {
    if classes == 0 {
        return Err(InfoError::argument("classes", 0, "at least 1"));
    }
    if labels.len().checked_mul(classes) != Some(probabilities.len()) {
        return Err(InfoError::argument(
            "labels",
            format!("a list of {}", labels.len()),
            format!(
                "one per row of {classes} of the {} probabilities",
                probabilities.len()
            ),
        ));
    }
    if let Some(i) = labels.iter().position(|l| *l >= classes) {
        return Err(InfoError::argument(
            "labels",
            format!("{} at position {i}", labels[i]),
            format!("below the number of classes, {classes}"),
        ));
    }
    if let Some(i) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(InfoError::argument(
            "probabilities",
            format!(
                "{} in row {}, column {}",
                probabilities[i],
                i / classes,
                i % classes
            ),
            "between 0 and 1",
        ));
    }
    Ok(())
}

/// How forecasts are put into bins by their probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bins {
    /// This many bins of equal width on `[0, 1]`; the last is closed above. Empty bins do not count.
    EqualWidth(usize),
    /// About this many bins of equally many forecasts; equal probabilities stay together, so that
    /// there may be fewer.
    EqualMass(usize),
}

/// What is in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bin {
    pub(super) count: f64,
    /// Means of probability and outcome.
    pub(super) forecast: f64,
    pub(super) outcome: f64,
}

/// The bins that hold something, and the bin of each forecast.
pub(super) struct Binned {
    pub(super) bins: Vec<Bin>,
    pub(super) of: Vec<usize>,
}

impl Bins {
    /// Puts forecasts into bins.
    pub(super) fn of(self, forecasts: &Forecasts) -> Result<Binned, InfoError> {
        let (Self::EqualWidth(number) | Self::EqualMass(number)) = self;
        const MOST: usize = 1 << 24;
        if !(1..=MOST).contains(&number) {
            return Err(InfoError::argument(
                "bins",
                number,
                format!("between 1 and {MOST}"),
            ));
        }
        let n = forecasts.len();
        let mut of = vec![0; n];
        match self {
            Self::EqualWidth(number) => {
                for (bin, p) in of.iter_mut().zip(&forecasts.probabilities) {
                    *bin = ((p * number as f64) as usize).min(number - 1);
                }
            }
            Self::EqualMass(number) => {
                let mut order: Vec<usize> = (0..n).collect();
                let p = &forecasts.probabilities;
                order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
                let mut bin = 0;
                for rank in 0..n {
                    let planned = (rank as u128 * number as u128 / n as u128) as usize;
                    if rank > 0 && p[order[rank]] != p[order[rank - 1]] {
                        bin = planned;
                    }
                    of[order[rank]] = bin;
                }
            }
        }
        // Number the bins that hold something.
        let mut place = std::collections::BTreeMap::new();
        for bin in &of {
            place.insert(*bin, 0);
        }
        for (at, (_, index)) in place.iter_mut().enumerate() {
            *index = at;
        }
        let mut bins = vec![Bin::default(); place.len()];
        for (bin, (p, y)) in of.iter_mut().zip(forecasts.pairs()) {
            *bin = place[bin];
            let b = &mut bins[*bin];
            b.count += 1.0;
            b.forecast += p;
            b.outcome += y;
        }
        for b in &mut bins {
            b.forecast /= b.count;
            b.outcome /= b.count;
        }
        Ok(Binned { bins, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_forecast_once_and_ties_together() {
        let p = [0.0, 0.1, 0.1, 0.1, 0.5, 0.95, 1.0];
        let f = Forecasts::new(p, [true; 7]).unwrap();
        let wide = Bins::EqualWidth(10).of(&f).unwrap();
        assert_eq!(wide.of, [0, 1, 1, 1, 2, 3, 3]);
        let equal = Bins::EqualMass(3).of(&f).unwrap();
        assert_eq!(equal.of, [0, 0, 0, 0, 1, 2, 2]);
        for b in [wide, equal] {
            assert_eq!(b.bins.iter().map(|b| b.count).sum::<f64>(), 7.0);
        }
        let one = Forecasts::new([0.3; 5], [true, false, false, false, true]).unwrap();
        assert_eq!(Bins::EqualMass(4).of(&one).unwrap().bins.len(), 1);
    }

    #[test]
    fn the_first_of_equal_choices_is_the_choice() {
        let f = Forecasts::top_label(&[0.4, 0.4, 0.2, 0.2, 0.4, 0.4], 3, &[0, 2]).unwrap();
        assert_eq!(f.outcomes(), [true, false]);
    }

    #[test]
    fn bad_forecasts_name_their_argument() {
        let text = |r: Result<Forecasts, InfoError>| r.unwrap_err().to_string();
        assert!(text(Forecasts::new([], [])).contains("probabilities"));
        assert!(text(Forecasts::new([0.5], [])).contains("outcomes"));
        assert!(text(Forecasts::new([1.5], [true])).contains("1.5 at position 0"));
        assert!(text(Forecasts::new([f64::NAN], [true])).contains("NaN"));
        assert!(text(Forecasts::top_label(&[0.5, 0.5], 2, &[2])).contains("labels"));
        assert!(text(Forecasts::top_label(&[0.5, 0.5], 2, &[0, 1])).contains("labels"));
        assert!(text(Forecasts::top_label(&[0.5, -0.5], 2, &[0])).contains("column 1"));
        assert!(text(Forecasts::top_label(&[], 0, &[])).contains("classes"));
        assert!(text(Forecasts::of_class(&[0.5, 0.5], 2, &[0], 2)).contains("class"));
        let f = Forecasts::new([0.5], [true]).unwrap();
        assert!(Bins::EqualWidth(0).of(&f).is_err());
        assert!(Bins::EqualMass(0).of(&f).is_err());
    }
}

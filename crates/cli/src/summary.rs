//! The figures of a run: `summary.json`, and the table that is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ergodic::models::baseline::{BernoulliMixture, IndependentBernoulli, MixtureSettings};
use serde::{Serialize, Serializer};

use crate::data::{Dataset, Values};
use crate::error::CliError;
use crate::machine::bits_of;

/// JSON has no word for infinity and NaN: such a number is `null`.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_none()
    }
}

/// An estimate of log Z in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogZ {
    /// The point estimate.
    #[serde(serialize_with = "finite")]
    pub estimate: f64,
    /// Its standard error; 0 if exact.
    #[serde(serialize_with = "finite")]
    pub std_err: f64,
    /// Whether it was summed over all states.
    pub exact: bool,
    /// The lower end, unconditional at `confidence`.
    #[serde(serialize_with = "finite")]
    pub lower: f64,
    /// The upper end: of the estimate's interval, and not certified, unless `method` says more.
    #[serde(serialize_with = "finite")]
    pub upper: f64,
    /// Probability with which the certified side holds.
    #[serde(serialize_with = "finite")]
    pub confidence: f64,
    /// What was done and what each side rests on.
    pub method: String,
}

/// A mean log-likelihood in nats per row, with both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Likelihood {
    /// The point estimate.
    #[serde(serialize_with = "finite")]
    pub estimate: f64,
    /// The lower side; minus infinity, `null` in JSON, if there is none.
    #[serde(serialize_with = "finite")]
    pub lower: f64,
    /// The upper side.
    #[serde(serialize_with = "finite")]
    pub upper: f64,
    /// Probability with which each certified side holds.
    #[serde(serialize_with = "finite")]
    pub confidence: f64,
    /// What the lower side rests on.
    pub lower_method: String,
    /// What the upper side rests on.
    pub upper_method: String,
}

/// RAISE: the mean log-likelihood of the *annealed model*, a normalised model of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annealed {
    /// Mean over rows of the log of the unbiased estimates, nats per row.
    #[serde(serialize_with = "finite")]
    pub estimate: f64,
    /// Lower bound of the annealed model's mean log-likelihood at `confidence`.
    #[serde(serialize_with = "finite")]
    pub lower: f64,
    /// Probability with which the bound holds.
    #[serde(serialize_with = "finite")]
    pub confidence: f64,
    /// Temperatures of the ladder.
    pub temperatures: usize,
    /// Chains per row.
    pub chains_per_row: usize,
    /// Rows that were used: all test rows or a random part of them.
    pub rows: usize,
    /// Test rows there are.
    pub of_rows: usize,
    /// The RBM itself on the rows that were used, the point estimate.
    #[serde(serialize_with = "finite")]
    pub rbm_on_these_rows: f64,
    /// Whether it may stand for the RBM: its lower bound is not above the RBM's upper one, the
    /// estimates differ by at most 0.3 nats and doubling the ladder changed it by at most 0.1.
    pub agrees: bool,
    /// Whether its lower bound is above the RBM's upper one on the same rows.
    pub above_the_rbm: bool,
    /// The estimate on the ladder of half the length.
    #[serde(serialize_with = "finite")]
    pub estimate_half_ladder: f64,
    /// How the estimate changed when the ladder doubled to `temperatures`.
    #[serde(serialize_with = "finite")]
    pub change_on_doubling: f64,
    /// What was done.
    pub method: String,
}

impl Annealed {
    /// What to say where it does not stand for the RBM.
    pub fn warning(&self) -> Option<String> {
        (!self.agrees).then(|| {
            format!(
                "the annealed model is not the RBM here: {:.3}{} against {:.3} on the same rows, \
                 {:+.3} when the ladder doubled; raise --raise-temperatures",
                self.estimate,
                if self.above_the_rbm {
                    " (its lower bound is above the RBM's upper one)"
                } else {
                    ""
                },
                self.rbm_on_these_rows,
                self.change_on_doubling
            )
        })
    }

    /// `359 rows`, or `1000 random rows of 12000`.
    pub fn which_rows(&self) -> String {
        if self.rows < self.of_rows {
            format!("{} random rows of {}", self.rows, self.of_rows)
        } else {
            format!("{} rows", self.rows)
        }
    }
}

/// A number for a reader, or that there is none.
fn shown(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.3}")
    } else {
        "none".into()
    }
}

/// What simple models reach on the same rows, nats per row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baselines {
    /// Independent pixels with add-one base rates.
    pub independent_pixels: BaselineScore,
    /// A mixture of Bernoullis.
    pub mixture_of_bernoullis: BaselineScore,
}

/// The scores of one baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineScore {
    /// Components; 1 for independent pixels.
    pub components: usize,
    /// Mean log-likelihood of the training rows.
    #[serde(serialize_with = "finite")]
    pub train_log_likelihood: f64,
    /// Mean log-likelihood of the test rows.
    #[serde(serialize_with = "finite")]
    pub test_log_likelihood: f64,
}

impl Baselines {
    /// Fits both baselines to `train` and scores both parts, probabilities on the bits that are
    /// drawn once under `seed`. The mixture has 60 components, fewer
    /// where there are fewer than 10 rows per component.
    ///
    /// # Errors
    /// If the parts have rows of different lengths.
    pub fn fit(train: &Dataset, test: &Dataset, seed: u64) -> Result<Self, CliError> {
        let columns = train.columns;
        let settings = MixtureSettings {
            components: MixtureSettings::default()
                .components
                .min(train.rows / 10)
                .max(1),
            seed,
            ..Default::default()
        };
        let (independent, mixture) = match &train.values {
            Values::Binary(v) => (
                IndependentBernoulli::fit(v, columns)?,
                BernoulliMixture::fit(v, columns, &settings)?,
            ),
            Values::Probabilities(v) => (
                IndependentBernoulli::fit(v, columns)?,
                BernoulliMixture::fit(v, columns, &settings)?,
            ),
        };
        // Both models have bits as their data: rows of probabilities are scored on the same draw
        // as the machine, not by a mean over draws that nothing else reports.
        let (train, test) = (bits_of(train, seed), bits_of(test, seed));
        Ok(Self {
            independent_pixels: BaselineScore {
                components: 1,
                train_log_likelihood: independent.mean_log_likelihood(&train)?,
                test_log_likelihood: independent.mean_log_likelihood(&test)?,
            },
            mixture_of_bernoullis: BaselineScore {
                components: settings.components,
                train_log_likelihood: mixture.mean_log_likelihood(&train)?,
                test_log_likelihood: mixture.mean_log_likelihood(&test)?,
            },
        })
    }
}

/// `summary.json` of `train rbm`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// `bernoulli-rbm`.
    pub model: String,
    /// Version of this program.
    pub version: String,
    /// The data as the user named them.
    pub data: String,
    /// Visible units.
    pub visible: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Training rows, with the validation part.
    pub train_size: usize,
    /// Test rows.
    pub test_size: usize,
    /// Validation rows cut from the training rows.
    pub validation_size: usize,
    /// Epochs done.
    pub epochs: usize,
    /// Why training ended.
    pub stopped: String,
    /// The seed.
    pub seed: u64,
    /// Parameter updates per second, without evaluations and checkpoints; null if this run only
    /// took up a checkpoint that was done.
    #[serde(serialize_with = "finite")]
    pub updates_per_second: f64,
    /// Seconds from start to the writing of this summary.
    #[serde(serialize_with = "finite")]
    pub seconds: f64,
    /// log Z.
    pub log_z: LogZ,
    /// Test rows under the RBM.
    pub test_log_likelihood: Likelihood,
    /// Training rows under the RBM, the point estimate.
    #[serde(serialize_with = "finite")]
    pub train_log_likelihood: f64,
    /// Test rows under the annealed model.
    pub annealed_model: Annealed,
    /// Simple models on the same split.
    pub baselines: Baselines,
    /// Every setting as it was used.
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Any figures as indented JSON with a final newline.
///
/// # Errors
/// If a value cannot be serialised, which plain structs always can.
pub fn to_json<T: Serialize>(figures: &T) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(figures)
        .map_err(|e| CliError::Failed(format!("JSON: {e}")))?;
    text.push('\n');
    Ok(text)
}

impl Summary {
    /// The figures for a reader, one per line.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<34}{value}");
        };
        let percent = 100.0 * self.log_z.confidence;
        line(
            "model",
            format!(
                "Bernoulli RBM, {} visible x {} hidden, seed {}",
                self.visible, self.hidden, self.seed
            ),
        );
        line(
            "data",
            format!(
                "{}: {} training rows, {} test rows",
                self.data, self.train_size, self.test_size
            ),
        );
        line(
            "training",
            if self.updates_per_second.is_finite() {
                format!(
                    "{} epochs, {:.0} updates/s",
                    self.epochs, self.updates_per_second
                )
            } else {
                format!("{} epochs", self.epochs)
            },
        );
        let z = &self.log_z;
        if z.exact {
            line("log Z", format!("{:.3} exact", z.estimate));
        } else {
            line(
                "log Z",
                format!(
                    "{:.3} ± {:.3}, at least {:.3} at {percent} % [{}]",
                    z.estimate, z.std_err, z.lower, z.method
                ),
            );
        }
        let test = &self.test_log_likelihood;
        line("test log-likelihood, nats/row", String::new());
        if z.exact {
            line("  RBM, exact", format!("{:.3}", test.estimate));
        } else {
            line("  RBM, point estimate", format!("{:.3}", test.estimate));
            line(
                "  RBM, at most",
                format!("{} [{}]", shown(test.upper), test.upper_method),
            );
        }
        let annealed = &self.annealed_model;
        line(
            "  annealed model (RAISE)",
            format!(
                "{:.3}, at least {:.3} at {} %; {:+.3} when the ladder doubled to {}; {}",
                annealed.estimate,
                annealed.lower,
                100.0 * annealed.confidence,
                annealed.change_on_doubling,
                annealed.temperatures,
                annealed.which_rows()
            ),
        );
        line("", "not a bound on the RBM".into());
        if let Some(warning) = annealed.warning() {
            line("  warning", warning);
        }
        let mixture = &self.baselines.mixture_of_bernoullis;
        line(
            &format!("  mixture of {} Bernoullis", mixture.components),
            format!("{:.3}", mixture.test_log_likelihood),
        );
        line(
            "  independent pixels",
            format!(
                "{:.3}",
                self.baselines.independent_pixels.test_log_likelihood
            ),
        );
        line(
            "training log-likelihood",
            format!("{:.3}", self.train_log_likelihood),
        );
        out
    }
}

/// A table of numbers: `metrics.csv` and the learning curves of the report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Rows of as many values as there are columns; `None` where nothing was measured.
    pub rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// The measured, finite values of a column with the value of the first column beside each.
    pub fn curve(&self, column: &str) -> Vec<(f64, f64)> {
        let Some(at) = self.columns.iter().position(|c| *c == column) else {
            return Vec::new();
        };
        self.rows
            .iter()
            .filter_map(|row| Some(((*row.first()?)?, (*row.get(at)?)?)))
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .collect()
    }

    /// Reads what [`csv`](Self::csv) wrote; `None` if it is anything else.
    pub fn parse(columns: &[&'static str], text: &str) -> Option<Self> {
        let mut table = Self::new(columns);
        let mut lines = text.lines();
        if lines.next()? != columns.join(",") {
            return None;
        }
        for line in lines {
            let row = line
                .split(',')
                .map(|field| match field {
                    "" => Some(None),
                    field => field.parse().ok().map(Some),
                })
                .collect::<Option<Vec<Option<f64>>>>()?;
            if row.len() != columns.len() {
                return None;
            }
            table.rows.push(row);
        }
        Some(table)
    }

    /// Comma-separated, with a header; an empty field where nothing finite was measured.
    pub fn csv(&self) -> String {
        let mut out = self.columns.join(",");
        out.push('\n');
        for row in &self.rows {
            let fields: Vec<String> = row
                .iter()
                .map(|v| match v {
                    Some(v) if v.is_finite() => v.to_string(),
                    _ => String::new(),
                })
                .collect();
            out.push_str(&fields.join(","));
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::data::{LoadOptions, load};

    pub(crate) fn example() -> Summary {
        Summary {
            model: "bernoulli-rbm".into(),
            version: "0.1.0".into(),
            data: "digits".into(),
            visible: 64,
            hidden: 128,
            train_size: 1438,
            test_size: 359,
            validation_size: 0,
            epochs: 1000,
            stopped: "all epochs done".into(),
            seed: 1,
            updates_per_second: 2210.4,
            seconds: 14.2,
            log_z: LogZ {
                estimate: 61.234,
                std_err: 0.021,
                exact: false,
                lower: 61.09,
                upper: f64::INFINITY,
                confidence: 0.99,
                method: "AIS, 200 runs".into(),
            },
            test_log_likelihood: Likelihood {
                estimate: -16.1,
                lower: -16.32,
                upper: -15.95,
                confidence: 0.99,
                lower_method: "RAISE".into(),
                upper_method: "AIS".into(),
            },
            train_log_likelihood: -13.9,
            annealed_model: Annealed {
                estimate: -16.2,
                lower: -16.22,
                confidence: 0.99,
                temperatures: 2000,
                chains_per_row: 10,
                rows: 359,
                of_rows: 359,
                rbm_on_these_rows: -16.1,
                agrees: true,
                above_the_rbm: false,
                estimate_half_ladder: -16.26,
                change_on_doubling: 0.06,
                method: "RAISE".into(),
            },
            baselines: Baselines {
                independent_pixels: BaselineScore {
                    components: 1,
                    train_log_likelihood: -24.6,
                    test_log_likelihood: -24.76,
                },
                mixture_of_bernoullis: BaselineScore {
                    components: 60,
                    train_log_likelihood: -15.9,
                    test_log_likelihood: -17.75,
                },
            },
            settings: [
                ("epochs".to_owned(), 1000.into()),
                ("lr".to_owned(), 0.05.into()),
                ("algorithm".to_owned(), "pcd".into()),
            ]
            .into(),
        }
    }

    #[test]
    fn no_number_makes_the_json_invalid() {
        let mut summary = example();
        summary.updates_per_second = f64::NAN;
        summary.annealed_model.change_on_doubling = f64::NEG_INFINITY;
        let value: serde_json::Value = serde_json::from_str(&to_json(&summary).unwrap()).unwrap();
        assert!(value["log_z"]["upper"].is_null());
        assert!(value["updates_per_second"].is_null());
        assert_eq!(value["log_z"]["lower"], 61.09);
        assert_eq!(value["settings"]["lr"], 0.05);
    }

    #[test]
    fn disagreement_is_said_and_missing_bounds_are_null() {
        let mut summary = example();
        assert!(!summary.table().contains("warning"));
        assert!(!summary.table().contains("random rows"));
        summary.annealed_model.agrees = false;
        summary.annealed_model.of_rows = 12_000;
        summary.test_log_likelihood.lower = f64::NEG_INFINITY;
        let table = summary.table();
        assert!(table.contains("warning") && table.contains("--raise-temperatures"));
        assert!(table.contains("359 random rows of 12000") && !table.contains("inf"));
        let value: serde_json::Value = serde_json::from_str(&to_json(&summary).unwrap()).unwrap();
        assert!(value["test_log_likelihood"]["lower"].is_null());
        assert_eq!(value["annealed_model"]["agrees"], false);
    }

    #[test]
    fn an_exact_log_z_is_called_exact() {
        let mut summary = example();
        summary.log_z.exact = true;
        let table = summary.table();
        assert!(
            table.contains("61.234 exact") && !table.contains("±"),
            "{table}"
        );
    }

    #[test]
    fn baselines_on_the_digits_are_those_of_the_split() {
        let (train, test) = load("digits", &LoadOptions::default())
            .unwrap()
            .split(5)
            .unwrap();
        let b = Baselines::fit(&train, &test, 1).unwrap();
        assert!((b.independent_pixels.test_log_likelihood + 24.76).abs() < 0.005);
        let mixture = b.mixture_of_bernoullis.test_log_likelihood;
        assert!((-18.2..-17.4).contains(&mixture), "{mixture}");
    }

    #[test]
    fn baselines_are_weighed_on_the_bits_that_the_machine_is_weighed_on() {
        let (train, test) = load(
            "digits",
            &LoadOptions {
                keep_probabilities: true,
                ..LoadOptions::default()
            },
        )
        .unwrap()
        .split(5)
        .unwrap();
        let b = Baselines::fit(&train, &test, 4).unwrap();
        let Values::Probabilities(grey) = &train.values else {
            panic!("probabilities were asked for");
        };
        let independent = IndependentBernoulli::fit(grey, train.columns).unwrap();
        let expected = independent.mean_log_likelihood(&bits_of(&test, 4)).unwrap();
        assert_eq!(b.independent_pixels.test_log_likelihood, expected);
    }

    #[test]
    fn tables_leave_gaps_where_nothing_was_measured() {
        let mut t = Table::new(&["epoch", "score"]);
        t.rows.push(vec![Some(1.0), None]);
        t.rows.push(vec![Some(2.0), Some(f64::NAN)]);
        t.rows.push(vec![Some(3.0), Some(-0.5)]);
        assert_eq!(t.csv(), "epoch,score\n1,\n2,\n3,-0.5\n");
        assert_eq!(t.curve("score"), [(3.0, -0.5)]);
        assert_eq!(t.curve("none"), []);
        t.rows[1][1] = None;
        assert_eq!(Table::parse(&t.columns, &t.csv()), Some(t.clone()));
        assert_eq!(Table::parse(&["epoch"], &t.csv()), None);
        assert_eq!(Table::parse(&t.columns, "epoch,score\n1\n"), None);
    }
}

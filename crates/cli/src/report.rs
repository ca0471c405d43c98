//! `report.html`: one file that holds everything, with no request to anywhere.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::CliError;
use crate::image::Picture;
use crate::progress::duration;
use crate::summary::{Summary, Table};
use ergodic::diagnostics::plots::STYLE;
use ergodic::diagnostics::plots::chart::{Bar, Series, escape, intervals, lines};

/// A picture with what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The heading.
    pub title: String,
    /// The caption.
    pub caption: String,
    /// The picture.
    pub picture: Picture,
}

/// A learning curve: columns of the metrics that share an axis.
struct Curve {
    title: &'static str,
    unit: &'static str,
    series: &'static [(&'static str, &'static str)],
}

/// The columns of `metrics.csv`, the first being the horizontal axis of every curve.
pub const METRICS: [&str; 10] = [
    "epoch",
    "updates",
    "seconds",
    "learning_rate",
    "train_log_likelihood",
    "validation_log_likelihood",
    "pseudo_log_likelihood",
    "chain_activity",
    "gradient_rms",
    "weight_rms",
];

const CURVES: [Curve; 6] = [
    Curve {
        title: "Log-likelihood, quick estimate",
        unit: "nats per row",
        series: &[
            ("train_log_likelihood", "training rows"),
            ("validation_log_likelihood", "validation rows"),
        ],
    },
    Curve {
        title: "Pseudo-log-likelihood",
        unit: "nats per row",
        series: &[("pseudo_log_likelihood", "training rows")],
    },
    Curve {
        title: "Mean activity of the chains",
        unit: "part of pixels that are 1",
        series: &[("chain_activity", "chains")],
    },
    Curve {
        title: "Learning rate",
        unit: "per update",
        series: &[("learning_rate", "learning rate")],
    },
    Curve {
        title: "Size of the gradient",
        unit: "root mean square",
        series: &[("gradient_rms", "gradient")],
    },
    Curve {
        title: "Size of the weights",
        unit: "root mean square",
        series: &[("weight_rms", "weights")],
    },
];

/// The page.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn html(summary: &Summary, metrics: &Table, figures: &[Figure]) -> Result<String, CliError> {
    let mut page = String::new();
    let title = format!(
        "RBM {}×{} on {}",
        summary.visible,
        summary.hidden,
        escape(&summary.data)
    );
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\
         <h1>{title}</h1><p class=\"lead\">Bernoulli restricted Boltzmann machine, {} epochs on {} \
         training rows, weighed on {} test rows.</p>",
        summary.epochs, summary.train_size, summary.test_size
    );
    page.push_str(&tiles(summary));
    page.push_str(&likelihood(summary));
    page.push_str(&curves(metrics));
    if !figures.is_empty() {
        page.push_str("<section><h2>What it learnt</h2><div class=\"grid2\">");
        for figure in figures {
            let png = STANDARD.encode(figure.picture.png()?);
            let (heading, caption) = (escape(&figure.title), escape(&figure.caption));
            let _ = write!(
                page,
                "<figure><h3>{heading}</h3><img alt=\"{heading}\" width=\"{}\" height=\"{}\" \
                 src=\"data:image/png;base64,{png}\"><figcaption>{caption}</figcaption></figure>",
                figure.picture.width, figure.picture.height
            );
        }
        page.push_str("</div></section>");
    }
    page.push_str(&settings(summary));
    let _ = writeln!(
        page,
        "<footer>ergodic {}, seed {}. The same seed gives the same model, bit for bit, for any \
         number of threads.</footer></main></body></html>",
        escape(&summary.version),
        summary.seed
    );
    Ok(page)
}

fn signed(v: f64, digits: usize) -> String {
    if v.is_finite() {
        format!("{v:.digits$}").replace('-', "−")
    } else {
        "–".into()
    }
}

fn tiles(summary: &Summary) -> String {
    let test = &summary.test_log_likelihood;
    let gain = test.estimate
        - summary
            .baselines
            .mixture_of_bernoullis
            .test_log_likelihood
            .max(summary.baselines.independent_pixels.test_log_likelihood);
    let tiles = [
        (
            signed(test.estimate, 2),
            "test log-likelihood, nats per row".to_owned(),
        ),
        (
            format!("{}{}", if gain > 0.0 { "+" } else { "" }, signed(gain, 2)),
            "nats above the better baseline".to_owned(),
        ),
        (
            signed(summary.log_z.estimate, 2),
            format!("log Z ± {}", signed(summary.log_z.std_err, 3)),
        ),
        (
            signed(summary.updates_per_second, 0),
            format!("updates per second, {} in all", duration(summary.seconds)),
        ),
    ];
    let mut out = "<div class=\"tiles\">".to_owned();
    for (value, name) in tiles {
        let _ = write!(
            out,
            "<div><b>{value}</b><span>{}</span></div>",
            escape(&name)
        );
    }
    out.push_str("</div>");
    out
}

fn likelihood(summary: &Summary) -> String {
    let test = &summary.test_log_likelihood;
    let annealed = &summary.annealed_model;
    let mixture = &summary.baselines.mixture_of_bernoullis;
    let exact = summary.log_z.exact;
    let percent = |c: f64| format!("{} %", 100.0 * c);
    let bars = [
        Bar {
            name: "RBM".into(),
            note: if exact {
                "exact".into()
            } else {
                format!("estimate and sides of log Z, {}", percent(test.confidence))
            },
            value: test.estimate,
            // RAISE speaks of another model and has its own row.
            interval: Some((
                test.estimate - (summary.log_z.upper - summary.log_z.estimate),
                test.upper,
            )),
            colour: 0,
        },
        Bar {
            name: "Annealed model (RAISE)".into(),
            note: format!(
                "not a bound on the RBM; {}, {}",
                percent(annealed.confidence),
                annealed.which_rows()
            ),
            value: annealed.estimate,
            interval: Some((annealed.lower, annealed.estimate)),
            colour: 2,
        },
        Bar {
            name: format!("Mixture of {} Bernoullis", mixture.components),
            note: "exact".into(),
            value: mixture.test_log_likelihood,
            interval: None,
            colour: 3,
        },
        Bar {
            name: "Independent pixels".into(),
            note: "exact".into(),
            value: summary.baselines.independent_pixels.test_log_likelihood,
            interval: None,
            colour: 3,
        },
    ];
    let mut chart = intervals(
        "Mean log-likelihood of the test rows",
        "mean test log-likelihood, nats per row (further right is better)",
        &bars,
    );
    // Beside the baselines the intervals are a few pixels wide.
    chart.push_str(&intervals(
        "The first two rows alone",
        "the first two rows alone, nats per row",
        &bars[..2],
    ));
    let warning = annealed.warning().map_or_else(String::new, |w| {
        format!("<p><strong>Warning:</strong> {}.</p>", escape(&w))
    });
    format!(
        "<section><h2>Likelihood of the test rows</h2><p class=\"soft\">The test rows were used \
         once, after training. The point is the estimate, the bar its interval.</p>{warning}\
         <div class=\"wide\">{chart}</div><table>\
         <tr><th>RBM, at most</th><td>{} — {}</td></tr>\
         <tr><th>RBM, at least</th><td>{} — {}</td></tr>\
         <tr><th>log Z</th><td>{} ± {}, at least {} at {} — {}</td></tr>\
         <tr><th>annealed model</th><td>{}, changed by {} when the ladder doubled to {} \
         temperatures, {} — {}; not a bound on the RBM</td></tr>\
         <tr><th>training rows</th><td>{}</td></tr></table></section>",
        signed(test.upper, 3),
        escape(&test.upper_method),
        // RAISE speaks of another model and has its own row.
        if exact {
            signed(test.lower, 3)
        } else {
            "–".into()
        },
        escape(if exact {
            &test.lower_method
        } else {
            "no certified side; the annealed model stands below"
        }),
        signed(summary.log_z.estimate, 3),
        signed(summary.log_z.std_err, 3),
        signed(summary.log_z.lower, 3),
        percent(summary.log_z.confidence),
        escape(&summary.log_z.method),
        signed(annealed.estimate, 3),
        signed(annealed.change_on_doubling, 3),
        annealed.temperatures,
        annealed.which_rows(),
        escape(&annealed.method),
        signed(summary.train_log_likelihood, 3),
    )
}

fn curves(metrics: &Table) -> String {
    let mut charts = String::new();
    for curve in &CURVES {
        let series: Vec<Series> = curve
            .series
            .iter()
            .enumerate()
            .map(|(colour, (column, name))| Series {
                name: (*name).to_owned(),
                colour,
                points: metrics.curve(column),
            })
            .filter(|s| !s.points.is_empty())
            .collect();
        let chart = lines(curve.title, "epoch", curve.unit, &series);
        if !chart.is_empty() {
            let _ = write!(
                charts,
                "<figure><h3>{}</h3>{chart}</figure>",
                escape(curve.title)
            );
        }
    }
    if charts.is_empty() {
        return String::new();
    }
    format!("<section><h2>Learning curves</h2><div class=\"grid2\">{charts}</div></section>")
}

fn settings(summary: &Summary) -> String {
    let mut out = "<section><h2>Settings</h2><div class=\"columns\"><table>".to_owned();
    for (name, value) in &summary.settings {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => "–".to_owned(),
            other => other.to_string(),
        };
        let _ = write!(
            out,
            "<tr><th><code>{}</code></th><td>{}</td></tr>",
            escape(name),
            escape(&text)
        );
    }
    out.push_str("</table></div></section>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{LoadOptions, load};
    use crate::image::{Colours, Grid};
    use crate::summary::tests::example;

    fn example_page() -> String {
        let mut metrics = Table::new(&METRICS);
        for epoch in 1..=1000 {
            let t = f64::from(epoch);
            let fall = (-t / 150.0).exp();
            metrics.rows.push(vec![
                Some(t),
                Some(23.0 * t),
                Some(0.01 * t),
                Some(0.05 * (1.0 - t / 1000.0)),
                (epoch % 20 == 0).then_some(-14.0 - 9.0 * fall),
                (epoch % 20 == 0).then_some(-14.8 - 8.5 * fall),
                (epoch % 20 == 0).then_some(-10.0 - 4.0 * fall),
                Some(0.19 + 0.01 * fall + 0.002 * (0.7 * t).sin()),
                Some(0.3 + 2.0 * fall),
                Some(40.0 * (1.0 - fall)),
            ]);
        }
        let digits = load("digits", &LoadOptions::default()).unwrap();
        let tiles: Vec<Vec<f32>> = (0..100).map(|r| digits.row(r)).collect();
        let picture = |colours| {
            Grid::for_tiles((8, 8), 100)
                .draw(tiles.iter().map(Vec::as_slice), colours)
                .unwrap()
        };
        let figure = |title: &str, colours| Figure {
            title: title.into(),
            caption: "100 of 128, the strongest first.".into(),
            picture: picture(colours),
        };
        let figures = [
            figure("Samples", Colours::Grey),
            figure("Data <b>", Colours::Grey),
            figure("Receptive fields", Colours::Diverging { limit: 1.5 }),
        ];
        html(&example(), &metrics, &figures).unwrap()
    }

    #[test]
    fn the_page_is_one_file_without_requests() {
        let page = example_page();
        for forbidden in [
            "http:", "https:", "<script", "<link", "url(", "@import", "NaN", "inf ",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for open in ["<section", "<figure", "<svg", "<table", "<div"] {
            let close = format!("</{}>", &open[1..]);
            assert_eq!(
                page.matches(open).count(),
                page.matches(&close).count(),
                "{open}"
            );
        }
        assert!(page.contains("Data &lt;b&gt;"));
        assert_eq!(page.matches("data:image/png;base64,").count(), 3);
        if let Ok(path) = std::env::var("ERGODIC_EXAMPLE_REPORT") {
            std::fs::write(path, page).unwrap();
        }
    }

    #[test]
    fn the_page_warns_where_the_annealed_model_is_another() {
        let mut summary = example();
        let page = |s: &Summary| html(s, &Table::new(&METRICS), &[]).unwrap();
        assert!(!page(&summary).contains("Warning"));
        summary.annealed_model.agrees = false;
        assert!(page(&summary).contains("<strong>Warning:</strong> the annealed model is not"));
    }

    #[test]
    fn a_page_without_curves_or_figures_still_stands() {
        let page = html(&example(), &Table::new(&METRICS), &[]).unwrap();
        assert!(!page.contains("Learning curves"));
        assert!(page.contains("Settings"));
    }
}

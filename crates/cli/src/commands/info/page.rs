//! The page of `ergodic info`: the heat map of mutual information and all tables, in one file.

use std::fmt::Write as _;

use ergodic::diagnostics::plots::STYLE;
use ergodic::diagnostics::plots::chart::escape;

use super::{Amount, Answer, p_text, short};

/// Below this p-value a cell of the heat map is in full ink.
const NOTED: f64 = 0.05;

/// The room for names, and that of the scale above the map, in the units of the drawing: pixels, as the
/// page does not shrink it.
const NAMES: f64 = 180.0;
const SCALE: f64 = 62.0;

/// Columns up to which cells hold their number, in large or in small figures.
const LARGE: usize = 12;
const NUMBERED: usize = 24;

/// Shades of the scale.
const SHADES: [f64; 7] = [0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.99];

/// The side of a cell.
fn cell_side(columns: usize) -> f64 {
    if columns <= LARGE {
        64.0
    } else if columns <= NUMBERED {
        48.0
    } else {
        28.0
    }
}

/// How much ink a shade has.
fn opacity(shade: f64) -> f64 {
    0.04 + 0.8 * shade
}

pub(super) fn html(answer: &Answer<'_>) -> String {
    let title = format!(
        "Information in {}",
        escape(&answer.file.display().to_string())
    );
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>\
         <p class=\"lead\">{} rows, {} columns; amounts in {}, intervals at {} %.{}</p>",
        answer.rows,
        answer.columns.len(),
        answer.units,
        100.0 * answer.confidence,
        match answer.rows_skipped {
            0 => String::new(),
            n => format!(" {n} rows left out, in which a value is missing."),
        }
    );
    if !answer.pairs.is_empty() {
        let _ = write!(
            page,
            "<section><h2>Mutual information</h2><p class=\"soft\">The shade is \
             √(1 − e<sup>−2I</sup>), the correlation of a normal pair with this information \
             (Linfoot, 1957). Pale figures have p above {NOTED}; an exclamation mark says that bias \
             exceeds the interval.</p><div class=\"wide\">{}</div></section>",
            heat_map(answer)
        );
    }
    columns(&mut page, answer);
    pairs(&mut page, answer);
    let _ = writeln!(
        page,
        "<footer>ergodic {}, seed {}. The same seed gives the same bits, for any number of \
         threads.</footer></main></body></html>",
        env!("CARGO_PKG_VERSION"),
        answer.seed
    );
    page
}

/// `√(1 − e^{−2I})` of an amount in the answer's units.
fn shade(answer: &Answer<'_>, amount: f64) -> f64 {
    let nats = if answer.units == "bits" {
        amount * std::f64::consts::LN_2
    } else {
        amount
    };
    (1.0 - (-2.0 * nats.max(0.0)).exp()).sqrt()
}

/// What the shades mean, in the answer's units.
fn scale(svg: &mut String, answer: &Answer<'_>) {
    const STEP: f64 = 48.0;
    let _ = write!(
        svg,
        "<text class=\"tick\" x=\"{}\" y=\"18\" text-anchor=\"end\">in {}</text>",
        NAMES - 8.0,
        answer.units
    );
    for (i, shade) in SHADES.iter().enumerate() {
        let nats = -0.5 * (-shade * shade).ln_1p();
        let amount = if answer.units == "bits" {
            nats * std::f64::consts::LOG2_E
        } else {
            nats
        };
        let x = NAMES + STEP * i as f64;
        let _ = write!(
            svg,
            "<rect class=\"key\" x=\"{x}\" y=\"4\" width=\"{STEP}\" height=\"18\" fill=\"var(--c0)\" \
             fill-opacity=\"{:.3}\"/><text class=\"tick\" x=\"{}\" y=\"38\" text-anchor=\"middle\">{}</text>",
            opacity(*shade),
            x + 0.5 * STEP,
            number_short(amount)
        );
    }
}

fn heat_map(answer: &Answer<'_>) -> String {
    let n = answer.columns.len();
    let cell = cell_side(n);
    let side = cell * n as f64;
    // Names below the map are turned by 45 degrees.
    let (width, height) = ((NAMES + side + 8.0).max(540.0), SCALE + side + 140.0);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Heat map of mutual \
         information\" style=\"min-width:{width}px;max-width:{width}px\">"
    );
    scale(&mut svg, answer);
    for (j, column) in answer.columns.iter().enumerate() {
        let middle = cell * (j as f64 + 0.5);
        let name = escape(&super::shown(column.name));
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <text class=\"tick\" text-anchor=\"end\" transform=\"translate({} {}) rotate(-45)\">{name}</text>",
            NAMES - 8.0,
            SCALE + middle + 4.0,
            NAMES + middle + 4.0,
            SCALE + side + 14.0
        );
    }
    for i in 0..n {
        for j in 0..n {
            let (x, y) = (NAMES + cell * j as f64, SCALE + cell * i as f64);
            if i == j {
                let _ = write!(
                    svg,
                    "<rect class=\"band c3\" x=\"{x}\" y=\"{y}\" width=\"{cell}\" height=\"{cell}\" \
                     stroke=\"var(--card)\" stroke-width=\"2\"/>"
                );
                continue;
            }
            let pair = answer.pair(i.min(j), i.max(j));
            let amount = &pair.mutual_information;
            let shade = shade(answer, amount.value);
            let _ = write!(
                svg,
                "<g><title>{} and {}: {} {}, {}, p = {}</title>\
                 <rect x=\"{x}\" y=\"{y}\" width=\"{cell}\" height=\"{cell}\" fill=\"var(--c0)\" \
                 fill-opacity=\"{:.3}\" stroke=\"var(--card)\" stroke-width=\"2\"/>",
                escape(pair.x),
                escape(pair.y),
                number(amount.value),
                answer.units,
                interval(amount),
                p_text(pair.p_value),
                opacity(shade)
            );
            if n <= NUMBERED {
                let faint = pair.p_value.is_some_and(|p| p > NOTED);
                let _ = write!(
                    svg,
                    "<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\"{}{}>{}{}</text>",
                    if faint { "tick" } else { "value" },
                    x + 0.5 * cell,
                    y + 0.5 * cell + 5.0,
                    if n > LARGE {
                        " style=\"font-size:12px\""
                    } else {
                        ""
                    },
                    if faint { " fill-opacity=\"0.7\"" } else { "" },
                    number_short(amount.value),
                    if amount.biased() { "!" } else { "" }
                );
            }
            svg.push_str("</g>");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn number(v: f64) -> String {
    if v.is_finite() {
        format!("{v:.4}").replace('-', "−")
    } else {
        "–".into()
    }
}

fn number_short(v: f64) -> String {
    // A rounded −0.001 is no negative number.
    let text = format!("{v:.2}");
    text.strip_prefix('-').map_or_else(
        || text.clone(),
        |digits| match digits.trim_matches(['0', '.']) {
            "" => digits.to_owned(),
            _ => format!("−{digits}"),
        },
    )
}

fn interval(amount: &Amount) -> String {
    format!("[{}, {}]", number(amount.lower), number(amount.upper))
}

fn bias(amount: &Amount) -> String {
    let size = amount
        .bias
        .amount
        .map_or_else(String::new, |a| format!(", {}", number(a)));
    let kind = amount.bias.kind;
    if amount.biased() {
        format!("<span class=\"bad\">{kind}{size}</span>")
    } else {
        format!("{kind}{size}")
    }
}

fn columns(page: &mut String, answer: &Answer<'_>) {
    page.push_str(
        "<section><h2>Columns</h2><p class=\"soft\">Entropies of continuous columns are \
         differential: they depend on the column's unit and may be negative.</p><div class=\"wide\">\
         <table><tr><th>column</th><th>type</th><th>distinct</th><th>entropy</th><th>interval</th>\
         <th>bias</th><th>method</th></tr>",
    );
    for c in &answer.columns {
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td>",
            escape(c.name),
            c.kind,
            c.distinct
        );
        let _ = match &c.entropy {
            Some(e) => write!(
                page,
                "<td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                number(e.value),
                interval(e),
                bias(e),
                escape(&e.method)
            ),
            None => write!(
                page,
                "<td>–</td><td colspan=\"3\">{}</td></tr>",
                escape(c.reason.as_deref().unwrap_or(""))
            ),
        };
    }
    page.push_str("</table></div></section>");
}

fn pairs(page: &mut String, answer: &Answer<'_>) {
    if answer.pairs.is_empty() {
        return;
    }
    page.push_str("<section><h2>Pairs, the most informative first</h2>");
    if answer.permutations > 0 {
        let _ = write!(
            page,
            "<p class=\"soft\">p is the probability of as much information under independence, from {} \
             permutations. It is of one pair: of many pairs some fall below any level by chance.</p>",
            answer.permutations
        );
    }
    page.push_str(
        "<div class=\"wide\"><table><tr><th>x</th><th>y</th><th>information</th><th>interval</th>\
         <th>p</th><th>bias</th><th>method</th></tr>",
    );
    for pair in answer.strongest() {
        let i = &pair.mutual_information;
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(pair.x),
            escape(pair.y),
            number(i.value),
            interval(i),
            p_text(pair.p_value),
            bias(i),
            escape(short(&i.method))
        );
    }
    page.push_str("</table></div></section>");
}

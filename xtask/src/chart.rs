//! Horizontal bars as an SVG file: the ratio of Ergodic to each peer on a logarithmic axis.

use std::fmt::Write as _;

const LABELS: f64 = 380.0;
const BARS: f64 = 420.0;
const ROW: f64 = 26.0;
const TOP: f64 = 40.0;

/// A chart of `(label, ratio)`; a line marks 1, where both are equally fast.
pub(crate) fn bars(values: &[(String, f64)]) -> String {
    let drawable = |r: f64| r.is_finite() && r > 0.0;
    let logs = values.iter().filter(|v| drawable(v.1)).map(|v| v.1.log10());
    let (low, high) = logs.fold((0.0f64, 0.3f64), |(l, h), x| (l.min(x), h.max(x)));
    let x = |ratio: f64| LABELS + BARS * (ratio.log10() - low) / (high - low);
    let (width, height) = (LABELS + BARS + 70.0, TOP + ROW * values.len() as f64 + 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"15\">Speed of Ergodic relative to the peer \
         (log scale)</text>\n"
    );
    for (row, (label, ratio)) in values.iter().enumerate() {
        if !drawable(*ratio) {
            continue;
        }
        let y = TOP + ROW * row as f64;
        let (from, to) = if *ratio < 1.0 {
            (x(*ratio), x(1.0))
        } else {
            (x(1.0), x(*ratio))
        };
        let colour = if *ratio < 1.0 { "#b3541e" } else { "#2a6f97" };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{ratio:.2}×</text>",
            LABELS - 10.0,
            y + 16.0,
            escape(label),
            y + 4.0,
            (to - from).max(1.0),
            ROW - 8.0,
            to + 6.0,
            y + 16.0,
        );
    }
    let one = x(1.0);
    let _ = writeln!(
        svg,
        "<line x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#333\"/>\n</svg>",
        TOP - 4.0,
        height - 12.0,
    );
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(svg: &str) -> Vec<f64> {
        svg.split("<rect x=")
            .skip(1)
            .map(|bar| {
                let width = bar.split("width=\"").nth(1).unwrap();
                width.split('"').next().unwrap().parse().unwrap()
            })
            .collect()
    }

    #[test]
    fn a_bar_is_as_long_as_the_logarithm_of_its_ratio() {
        let values = [("a".to_owned(), 10.0), ("b".to_owned(), 100.0)];
        let found = widths(&bars(&values));
        assert!((found[1] - BARS).abs() < 0.1, "{found:?}");
        assert!((found[1] - 2.0 * found[0]).abs() < 0.2, "{found:?}");
    }

    #[test]
    fn labels_are_escaped_and_ratios_without_a_value_are_left_out() {
        let values = [("a<b & c".to_owned(), 0.5), ("n".to_owned(), f64::NAN)];
        let svg = bars(&values);
        assert!(svg.contains("a&lt;b &amp; c"));
        assert!(!svg.contains("NaN"));
        assert_eq!(widths(&svg).len(), 1);
    }
}

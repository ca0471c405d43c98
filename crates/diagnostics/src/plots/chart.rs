//! Line, point and interval charts as inline SVG, coloured by the style sheet of the page around
//! them, [`STYLE`](super::STYLE).

use std::fmt::Write as _;

/// Text that is safe inside HTML and SVG.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Index of its colour.
    pub colour: usize,
    /// Finite points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// One row of an interval chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// A second, smaller line.
    pub note: String,
    /// The estimate.
    pub value: f64,
    /// The interval, if there is one.
    pub interval: Option<(f64, f64)>,
    /// Index of its colour.
    pub colour: usize,
}

/// At most this many points of a line are drawn.
pub const MAX_POINTS: usize = 500;

/// At most about this many points of a cloud are drawn.
pub const MAX_DOTS: usize = 1000;

/// A linear axis with round ticks.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis around `values` with about `ticks` ticks; `None` without finite values.
    fn around(values: impl Iterator<Item = f64>, ticks: f64) -> Option<Self> {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(v), h.max(v))
            });
        // No value at all, or a span beyond the range of f64.
        if low > high || !(high - low).is_finite() {
            return None;
        }
        // A constant gets an axis too.
        let span = (high - low).max(1e-9 * low.abs().max(1e-3));
        let raw = span / ticks;
        let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= raw * (1.0 - 1e-12))
            .unwrap_or(10.0 * power);
        let low = (low / step).floor() * step;
        let high = (high / step).ceil() * step;
        let high = if high > low { high } else { low + step };
        Some(Self { low, high, step })
    }

    fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count.min(50))
            .map(|i| self.low + i as f64 * self.step)
            .collect()
    }

    fn label(&self, v: f64) -> String {
        let digits = (-libm::floor(libm::log10(self.step))).clamp(0.0, 12.0) as usize;
        // Rounding may leave a minus in front of nothing.
        let v = if v.abs() < 1e-9 * self.step { 0.0 } else { v };
        if v.abs() >= 1e6 {
            format!("{v:.1e}")
        } else {
            format!("{v:.digits$}").replace('-', "−")
        }
    }

    /// Position of `v` between `from` and `to`.
    fn at(&self, v: f64, from: f64, to: f64) -> f64 {
        from + (v - self.low) / (self.high - self.low) * (to - from)
    }
}

/// The area between the axes of [`lines`] and [`points`]: left, right, top, bottom.
const AREA: (f64, f64, f64, f64) = (72.0, 508.0, 16.0, 248.0);

/// An image with axes around the points of all series; `None` without a point.
fn axes(
    title: &str,
    x_label: &str,
    y_label: &str,
    series: &[Series],
) -> Option<(String, Axis, Axis)> {
    let (left, right, top, bottom) = AREA;
    let points = || series.iter().flat_map(|s| s.points.iter());
    let x = Axis::around(points().map(|p| p.0), 6.0)?;
    let y = Axis::around(points().map(|p| p.1), 5.0)?;
    let mut svg = start(title, 520.0, 300.0);
    for t in y.ticks() {
        let at = y.at(t, bottom, top);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{left}" x2="{right}" y1="{at:.1}" y2="{at:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            left - 8.0,
            at + 4.0,
            y.label(t)
        );
    }
    for t in x.ticks() {
        let at = x.at(t, left, right);
        let _ = write!(
            svg,
            r#"<line class="axis" x1="{at:.1}" x2="{at:.1}" y1="{bottom}" y2="{:.1}"/><text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 5.0,
            bottom + 19.0,
            x.label(t)
        );
    }
    let _ = write!(
        svg,
        r#"<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/><text class="label" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="label" transform="translate(14 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
        0.5 * (left + right),
        bottom + 40.0,
        escape(x_label),
        0.5 * (top + bottom),
        escape(y_label)
    );
    Some((svg, x, y))
}

/// Lines over a common axis; empty text if there is no point.
pub fn lines(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> String {
    let Some((mut svg, x, y)) = axes(title, x_label, y_label, series) else {
        return String::new();
    };
    let (left, right, top, bottom) = AREA;
    // Many points of many chains would be a blot.
    let dense = series.len() > 2 && series.iter().any(|s| s.points.len() > 200);
    for s in series {
        let path: Vec<String> = thinned(&s.points)
            .iter()
            .map(|p| {
                format!(
                    "{:.1},{:.1}",
                    x.at(p.0, left, right),
                    y.at(p.1, bottom, top)
                )
            })
            .collect();
        if let [only] = &path[..] {
            let (cx, cy) = only.split_once(',').unwrap_or(("0", "0"));
            let _ = write!(
                svg,
                r#"<circle class="dot c{}" cx="{cx}" cy="{cy}" r="4"/>"#,
                s.colour
            );
        } else {
            let _ = write!(
                svg,
                r#"<polyline class="line{} c{}" points="{}"/>"#,
                if dense { " thin" } else { "" },
                s.colour,
                path.join(" ")
            );
        }
    }
    svg.push_str("</svg>");
    svg.push_str(&legend(series));
    svg
}

/// Points without lines, at most [`MAX_DOTS`] of each series; empty text if there is none.
pub fn points(title: &str, x_label: &str, y_label: &str, series: &[Series]) -> String {
    let Some((mut svg, x, y)) = axes(title, x_label, y_label, series) else {
        return String::new();
    };
    let (left, right, top, bottom) = AREA;
    for s in series {
        let _ = write!(svg, r#"<g class="cloud c{}">"#, s.colour);
        for p in s
            .points
            .iter()
            .step_by(s.points.len().div_ceil(MAX_DOTS).max(1))
        {
            let _ = write!(
                svg,
                r#"<circle cx="{:.1}" cy="{:.1}" r="1.6"/>"#,
                x.at(p.0, left, right),
                y.at(p.1, bottom, top)
            );
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg.push_str(&legend(series));
    svg
}

/// The names of several series; empty text for one.
fn legend(series: &[Series]) -> String {
    if series.len() < 2 {
        return String::new();
    }
    let mut out = r#"<p class="legend">"#.to_owned();
    for s in series {
        let _ = write!(
            out,
            r#"<span><i class="key c{}"></i>{}</span>"#,
            s.colour,
            escape(&s.name)
        );
    }
    out.push_str("</p>");
    out
}

/// Estimates with their intervals, one below the other; empty text if no value is finite.
pub fn intervals(title: &str, x_label: &str, bars: &[Bar]) -> String {
    let bars: Vec<&Bar> = bars.iter().filter(|b| b.value.is_finite()).collect();
    let ends = bars
        .iter()
        .flat_map(|b| {
            [
                Some(b.value),
                b.interval.map(|i| i.0),
                b.interval.map(|i| i.1),
            ]
        })
        .flatten();
    let Some(x) = Axis::around(ends, 8.0) else {
        return String::new();
    };
    let (width, row) = (900.0, 54.0);
    let (left, right, top) = (270.0, 800.0, 12.0);
    let bottom = top + row * bars.len() as f64;
    let mut svg = start(title, width, bottom + 48.0);
    for t in x.ticks() {
        let at = x.at(t, left, right);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{top}" y2="{bottom}"/><text class="tick" x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            bottom + 18.0,
            x.label(t)
        );
    }
    let _ = write!(
        svg,
        r#"<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/><text class="label" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
        0.5 * (left + right),
        bottom + 40.0,
        escape(x_label)
    );
    for (n, bar) in bars.iter().enumerate() {
        let y = top + row * (n as f64 + 0.5);
        let _ = write!(
            svg,
            r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="end">{}</text><text class="note" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            left - 16.0,
            y - 2.0,
            escape(&bar.name),
            left - 16.0,
            y + 14.0,
            escape(&bar.note)
        );
        if let Some((low, high)) = bar.interval {
            // An infinite end reaches the edge of the chart, without a cap.
            let from = x.at(low.max(x.low), left, right);
            let to = x.at(high.min(x.high), left, right);
            let _ = write!(
                svg,
                r#"<rect class="band c{}" x="{from:.1}" y="{:.1}" width="{:.1}" height="18" rx="3"/>"#,
                bar.colour,
                y - 9.0,
                (to - from).max(1.0)
            );
            for (end, at) in [(low, from), (high, to)] {
                if end.is_finite() {
                    let _ = write!(
                        svg,
                        r#"<line class="line c{}" x1="{at:.1}" x2="{at:.1}" y1="{:.1}" y2="{:.1}"/>"#,
                        bar.colour,
                        y - 9.0,
                        y + 9.0
                    );
                }
            }
        }
        let at = x.at(bar.value, left, right);
        let text = format!("{:.2}", bar.value).replace('-', "−");
        let _ = write!(
            svg,
            r#"<circle class="dot c{}" cx="{at:.1}" cy="{y:.1}" r="5.5"/><text class="value" x="{:.1}" y="{:.1}">{text}</text>"#,
            bar.colour,
            right + 18.0,
            y + 5.0
        );
    }
    svg.push_str("</svg>");
    svg
}

fn start(title: &str, width: f64, height: f64) -> String {
    let title = escape(title);
    format!(
        r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}"><title>{title}</title>"#
    )
}

/// At most [`MAX_POINTS`] of the points, the first and the last among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..MAX_POINTS)
        .map(|i| points[i * last / (MAX_POINTS - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ticks_that_cover_the_values() {
        for (low, high) in [
            (0.0, 1000.0),
            (-24.76, -16.1),
            (3.0, 3.0),
            (0.0, 1e-7),
            (-5e8, 3e9),
        ] {
            let axis = Axis::around([low, high].into_iter(), 6.0).unwrap();
            assert!(axis.low <= low && axis.high >= high && axis.low < axis.high);
            let n = axis.ticks().len();
            assert!((2..=10).contains(&n), "{low}..{high}: {n} ticks");
        }
        let axis = Axis::around([-24.76, -16.1].into_iter(), 8.0).unwrap();
        assert_eq!(axis.label(axis.ticks()[0]), "−26");
        assert!(Axis::around([f64::NAN].into_iter(), 5.0).is_none());
    }

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let series = [Series {
            name: "<script>&\"".into(),
            colour: 0,
            points: vec![(0.0, 1.0), (1.0, 2.0)],
        }];
        let svg = lines("</svg>", "x", "y", &[series.clone(), series].concat());
        assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1);
    }

    #[test]
    fn infinite_ends_stay_inside_the_chart() {
        let bar = |interval| Bar {
            name: "a".into(),
            note: String::new(),
            value: -16.0,
            interval: Some(interval),
            colour: 0,
        };
        let svg = intervals(
            "t",
            "x",
            &[bar((-17.0, f64::INFINITY)), bar((f64::NEG_INFINITY, -15.0))],
        );
        assert!(!svg.contains("inf") && !svg.contains("NaN"), "{svg}");
        assert_eq!(intervals("t", "x", &[]), "");
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        let points: Vec<(f64, f64)> = (0..12_345).map(|i| (f64::from(i), 0.0)).collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), MAX_POINTS);
        assert_eq!((thin[0].0, thin[MAX_POINTS - 1].0), (0.0, 12_344.0));
    }
}

//! Figures for files and print: panels of curves, with room around them, dashes that tell them apart in grey, and one
//! key above.

use std::fmt::Write as _;

use super::chart::escape;
use super::standalone;

/// What is along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Axis<'a> {
    /// The quantity.
    pub name: &'a str,
    /// Its unit; empty for a pure number. A power of ten that all numbers share is written beside it.
    pub unit: &'a str,
    /// Whether decades may be equally long: they are if all numbers are above 0 and span a factor of 50 or more.
    pub decades: bool,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// A line through its points; the dashes follow from its colour.
    #[default]
    Line,
    /// A line with an arrow head halfway, for what has a direction.
    Arrow,
    /// Its points alone.
    Dots,
}

/// One curve of a panel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Its name in the key; curves without one are not in it.
    pub name: String,
    /// Index of its colour.
    pub colour: usize,
    /// How it is drawn.
    pub mark: Mark,
    /// Whether the axes have to hold it; what leaves them is cut off.
    pub guide: bool,
    /// Its points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// Curves over common axes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel<'a> {
    /// The horizontal axis.
    pub x: Axis<'a>,
    /// The vertical axis.
    pub y: Axis<'a>,
    /// The curves, the first below.
    pub curves: Vec<Curve>,
}

/// Width and height of a panel, and the margins of its area: right, top, bottom.
const PANEL: (f64, f64) = (520.0, 330.0);
const MARGINS: (f64, f64, f64) = (28.0, 12.0, 56.0);

/// About the widest character of a tick, of a label and of the title.
const TICK: f64 = 7.6;
const LABEL: f64 = 7.7;
const TITLE: f64 = 10.0;

/// Dashes by colour: the colours alone have much the same grey.
const DASHES: [&str; 4] = ["", "9 4", "2.5 3.5", "10 3 2.5 3"];

/// Ticks, the ends of an axis, and the power of ten that was taken out.
struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    exponent: i32,
    ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Around these values; ticks along a `length`, or across it.
    fn around(values: &[f64], axis: Axis<'_>, length: f64, along: bool) -> Option<Self> {
        let (low, high) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
                (l.min(*v), h.max(*v))
            });
        // No value at all, or a span beyond the range of f64.
        if low > high || !(high - low).is_finite() {
            return None;
        }
        let fits = |scale: &Self| {
            let widest = scale.ticks.iter().map(|t| t.1.chars().count()).max();
            let each = if along {
                TICK * widest.unwrap_or(1) as f64 + 14.0
            } else {
                24.0
            };
            (2..=8).contains(&scale.ticks.len()) && each * scale.ticks.len() as f64 <= length
        };
        let logarithmic = axis.decades && low > 0.0 && high / low >= 50.0;
        let mut last = None;
        for most in [7, 6, 5, 4, 3, 2] {
            let scale = if logarithmic {
                Self::decades(low, high, most)
            } else {
                Self::linear(low, high, most)
            };
            if fits(&scale) {
                return Some(scale);
            }
            last = Some(scale);
        }
        last
    }

    fn linear(low: f64, high: f64, most: usize) -> Self {
        let size = low.abs().max(high.abs());
        // A constant gets an axis too.
        let span = if high - low > 1e-12 * size {
            high - low
        } else if size > 0.0 {
            0.2 * size
        } else {
            1.0
        };
        let middle = 0.5 * low + 0.5 * high;
        let (low, high) = (middle - 0.55 * span, middle + 0.55 * span);
        let size = low.abs().max(high.abs());
        let exponent = libm::floor(libm::log10(size));
        let exponent = if (-2.0..5.0).contains(&exponent) {
            0.0
        } else {
            exponent
        };
        let exponent = exponent as i32;
        let (low, high) = (over(low, exponent), over(high, exponent));
        let raw = (high - low) / most as f64;
        let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= raw)
            .unwrap_or(10.0 * power);
        let digits = (-libm::floor(libm::log10(step * 1.000_001))).clamp(0.0, 14.0) as usize;
        let (first, end) = ((low / step).ceil(), (high / step).floor());
        let count = (end - first).clamp(0.0, 20.0) as usize;
        let ticks = (0..=count)
            .map(|i| {
                let v = (first + i as f64) * step;
                // Rounding may leave a minus in front of nothing.
                let v = if v.abs() < 1e-9 * step { 0.0 } else { v };
                (v, format!("{v:.digits$}").replace('-', "−"))
            })
            .collect();
        Self {
            low,
            high,
            logarithmic: false,
            exponent,
            ticks,
        }
    }

    fn decades(low: f64, high: f64, most: usize) -> Self {
        let (low, high) = (libm::log10(low), libm::log10(high));
        let room = 0.04 * (high - low);
        let (low, high) = (low - room, high + room);
        let (first, end) = (low.ceil() as i32, high.floor() as i32);
        let stride = (end - first + 1).max(1) as usize;
        let stride = stride.div_ceil(most).max(1);
        // Plain numbers as long as all are short.
        let plain = low >= -3.0 && high < 5.0;
        let label = |decade: i32, digit: f64| {
            let number = digit * libm::pow(10.0, f64::from(decade));
            match (plain, digit) {
                (true, _) => format!("{number:.*}", decade.min(0).unsigned_abs() as usize),
                (false, 1.0) => format!("10{}", superscript(decade)),
                (false, _) => format!("{digit}·10{}", superscript(decade)),
            }
        };
        // Between few decades there are ticks at 2 and 5.
        let digits: &[f64] = if end - first < 2 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let ticks = (first - 1..=end)
            .filter(|decade| (decade - first).rem_euclid(stride as i32) == 0)
            .flat_map(|decade| digits.iter().map(move |digit| (decade, *digit)))
            .map(|(decade, digit)| {
                let at = f64::from(decade) + libm::log10(digit);
                (at, label(decade, digit))
            })
            .filter(|(at, _)| (low..=high).contains(at))
            .collect();
        Self {
            low,
            high,
            logarithmic: true,
            exponent: 0,
            ticks,
        }
    }

    /// Where a value is, from 0 to 1 along the axis; `None` if it has no place.
    fn place(&self, value: f64) -> Option<f64> {
        let value = if self.logarithmic {
            libm::log10(value)
        } else {
            over(value, self.exponent)
        };
        let place = (value - self.low) / (self.high - self.low);
        // Far outside, it is cut off: coordinates stay numbers that viewers can read.
        place.is_finite().then(|| place.clamp(-20.0, 20.0))
    }

    fn label(&self, axis: Axis<'_>) -> String {
        let power = match self.exponent {
            0 => String::new(),
            e => format!("10{}", superscript(e)),
        };
        let unit = [power.as_str(), axis.unit].join(" ");
        match unit.trim() {
            "" => axis.name.to_owned(),
            unit => format!("{} ({unit})", axis.name),
        }
    }
}

/// `value/10^exponent`, in two steps, as powers of ten end before numbers do.
fn over(value: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    let power = |e: i32| libm::pow(10.0, f64::from(e));
    value / power(half) / power(exponent - half)
}

fn superscript(number: i32) -> String {
    number
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            c => c
                .to_digit(10)
                .and_then(|d| char::from_u32(0x2070 + d))
                .unwrap_or(c),
        })
        .collect()
}

/// At most as many characters as fit, from the start.
fn fitting(text: &str, width: f64, each: f64) -> String {
    let most = (width / each) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    start.trim_end().to_owned() + "…"
}

/// Panels side by side under a title and one key, as an SVG file of its own; empty text where there is nothing to
/// draw.
///
/// Axes have ticks at round numbers and end a little beyond the curves, so that no curve lies on the frame. The
/// key stands above the panels, where it covers nothing.
///
/// ```
/// use ergodic_diagnostics::plots::figure::{Axis, Curve, Panel, figure};
///
/// let curve = Curve { name: "isotherm".into(), points: vec![(1.0, 2.0), (2.0, 1.0)], ..Curve::default() };
/// let axis = |name, unit| Axis { name, unit, decades: false };
/// let panel = Panel { x: axis("volume", "m³"), y: axis("pressure", "Pa"), curves: vec![curve] };
/// let svg = figure("A gas", &[panel]);
/// assert!(svg.starts_with("<svg xmlns=") && svg.contains("pressure (Pa)") && svg.ends_with("</svg>\n"));
/// ```
pub fn figure(title: &str, panels: &[Panel<'_>]) -> String {
    let width = PANEL.0 * panels.len() as f64 + 8.0;
    let (key, key_height) = key(panels, width);
    let top = 40.0 + key_height;
    let mut inner = String::new();
    for (i, panel) in panels.iter().enumerate() {
        let Some(drawn) = draw(panel, PANEL.0 * i as f64, top, i) else {
            return String::new();
        };
        inner.push_str(&drawn);
    }
    if inner.is_empty() {
        return String::new();
    }
    standalone(&format!(
        "<svg viewBox=\"0 0 {width} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text class=\"name\" x=\"20\" y=\"26\">{}</text>{key}{inner}</svg>",
        top + PANEL.1,
        escape(title),
        escape(title),
        escape(&fitting(title, width - 40.0, TITLE)),
    ))
}

/// The named curves of all panels, once each, and the height of their lines.
fn key(panels: &[Panel<'_>], width: f64) -> (String, f64) {
    let mut named: Vec<&Curve> = Vec::new();
    for curve in panels.iter().flat_map(|p| &p.curves) {
        let known = |c: &&Curve| (c.colour, &c.name) == (curve.colour, &curve.name);
        if !curve.name.is_empty() && !named.iter().any(known) {
            named.push(curve);
        }
    }
    let (mut out, mut x, mut y) = (String::new(), 20.0, 48.0);
    for curve in &named {
        let room = 42.0 + LABEL * curve.name.chars().count() as f64;
        if x > 20.0 && x + room > width - 20.0 {
            (x, y) = (20.0, y + 20.0);
        }
        let middle = y - 4.0;
        let colour = curve.colour;
        let _ = if curve.mark == Mark::Dots {
            write!(
                out,
                "<circle class=\"dot c{colour}\" cx=\"{}\" cy=\"{middle}\" r=\"3.5\"/>",
                x + 14.0
            )
        } else {
            write!(
                out,
                "<line class=\"line c{colour}\"{} x1=\"{x}\" x2=\"{}\" y1=\"{middle}\" y2=\"{middle}\"/>",
                dash(colour),
                x + 28.0
            )
        };
        let _ = write!(
            out,
            "<text class=\"label\" x=\"{}\" y=\"{y}\">{}</text>",
            x + 35.0,
            escape(&fitting(&curve.name, width - 80.0, LABEL))
        );
        x += room + 14.0;
    }
    let height = if named.is_empty() { 0.0 } else { y - 28.0 };
    (out, height)
}

fn dash(colour: usize) -> String {
    match DASHES[colour % DASHES.len()] {
        "" => String::new(),
        dashes => format!(" stroke-dasharray=\"{dashes}\""),
    }
}

fn draw(panel: &Panel<'_>, left: f64, top: f64, index: usize) -> Option<String> {
    let finite = |c: &Curve| -> Vec<(f64, f64)> {
        let points = c.points.iter().copied();
        points
            .filter(|p| p.0.is_finite() && p.1.is_finite())
            .collect()
    };
    // Guides make no room of their own, unless there is nothing else.
    let mut held: Vec<(f64, f64)> = (panel.curves.iter())
        .filter(|c| !c.guide)
        .flat_map(finite)
        .collect();
    if held.is_empty() {
        held = panel.curves.iter().flat_map(finite).collect();
    }
    let column = |f: fn(&(f64, f64)) -> f64| -> Vec<f64> { held.iter().map(f).collect() };
    let (bottom, top) = (top + PANEL.1 - MARGINS.2, top + MARGINS.1);
    let y = Scale::around(&column(|p| p.1), panel.y, bottom - top, false)?;
    let widest = y.ticks.iter().map(|t| t.1.chars().count()).max()?;
    let start = left + 46.0 + TICK * widest as f64;
    let right = left + PANEL.0 - MARGINS.0;
    let x = Scale::around(&column(|p| p.0), panel.x, right - start, true)?;
    let at = |p: &(f64, f64)| -> Option<(f64, f64)> {
        let (u, v) = (x.place(p.0)?, y.place(p.1)?);
        Some((start + u * (right - start), bottom - v * (bottom - top)))
    };
    let mut svg = String::new();
    let place = |t: f64, s: &Scale| (t - s.low) / (s.high - s.low);
    for (t, label) in &y.ticks {
        let h = bottom - place(*t, &y) * (bottom - top);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{start:.1}\" x2=\"{right:.1}\" y1=\"{h:.1}\" y2=\"{h:.1}\"/>\
             <line class=\"axis\" x1=\"{:.1}\" x2=\"{start:.1}\" y1=\"{h:.1}\" y2=\"{h:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            start - 5.0,
            start - 8.0,
            h + 4.0,
        );
    }
    for (t, label) in &x.ticks {
        let w = start + place(*t, &x) * (right - start);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{w:.1}\" x2=\"{w:.1}\" y1=\"{bottom:.1}\" y2=\"{:.1}\"/>\
             <text class=\"tick\" x=\"{w:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 5.0,
            bottom + 19.0,
        );
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" fill=\"none\" d=\"M{start:.1} {top:.1}V{bottom:.1}H{right:.1}\"/>\
         <text class=\"label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"label\" transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\
         <clipPath id=\"area{index}\"><rect x=\"{start:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/></clipPath>\
         <g clip-path=\"url(#area{index})\">",
        0.5 * (start + right),
        bottom + 42.0,
        escape(&fitting(&x.label(panel.x), right - start, LABEL)),
        left + 22.0,
        0.5 * (top + bottom),
        escape(&fitting(&y.label(panel.y), bottom - top + 40.0, LABEL)),
        right - start,
        bottom - top,
    );
    for curve in &panel.curves {
        let points: Vec<(f64, f64)> = finite(curve).iter().filter_map(at).collect();
        curve_into(&mut svg, curve, &points);
    }
    svg.push_str("</g>");
    Some(svg)
}

fn curve_into(svg: &mut String, curve: &Curve, points: &[(f64, f64)]) {
    if curve.mark == Mark::Dots || points.len() == 1 {
        for (x, y) in points {
            let _ = write!(
                svg,
                "<circle class=\"dot c{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>",
                curve.colour
            );
        }
        return;
    }
    let path: Vec<String> = (points.iter())
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = write!(
        svg,
        "<polyline class=\"line c{}\"{} points=\"{}\"/>",
        curve.colour,
        dash(curve.colour),
        path.join(" ")
    );
    if curve.mark == Mark::Arrow {
        svg.push_str(&arrow(curve.colour, points).unwrap_or_default());
    }
}

/// An arrow head halfway along a line that is long enough for one.
fn arrow(colour: usize, points: &[(f64, f64)]) -> Option<String> {
    let step = |w: &[(f64, f64)]| {
        let (dx, dy) = (w[1].0 - w[0].0, w[1].1 - w[0].1);
        (dx * dx + dy * dy).sqrt()
    };
    let total: f64 = points.windows(2).map(step).sum();
    if total < 30.0 {
        return None;
    }
    let mut done = 0.0;
    for w in points.windows(2) {
        let length = step(w);
        if length > 0.0 && done + length >= 0.5 * total {
            let t = (0.5 * total - done) / length;
            let (x, y) = (
                w[0].0 + t * (w[1].0 - w[0].0),
                w[0].1 + t * (w[1].1 - w[0].1),
            );
            let (dx, dy) = ((w[1].0 - w[0].0) / length, (w[1].1 - w[0].1) / length);
            let corner = |along: f64, across: f64| {
                format!(
                    "{:.1},{:.1}",
                    x + along * dx - across * dy,
                    y + along * dy + across * dx
                )
            };
            return Some(format!(
                "<polygon class=\"dot c{colour}\" points=\"{} {} {}\"/>",
                corner(8.0, 0.0),
                corner(-6.0, 5.5),
                corner(-6.0, -5.5)
            ));
        }
        done += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Axis<'static> = Axis {
        name: "x",
        unit: "J",
        decades: false,
    };

    #[test]
    fn ticks_are_round_lie_within_and_have_room() {
        for (low, high) in [
            (0.0, 1000.0),
            (-24.76, -16.1),
            (3.0, 3.0),
            (0.0, 0.0),
            (0.0, 1e-7),
            (1.0, 1.000_000_1),
            (-5e8, 3e9),
            (1e-23, 5e-23),
            (-1e307, 1e307),
            (5e-324, 1e-320),
        ] {
            for along in [true, false] {
                let scale = Scale::around(&[low, high], PLAIN, 240.0, along).unwrap();
                let n = scale.ticks.len();
                assert!((1..=8).contains(&n), "{low}..{high}: {n} ticks");
                for (t, label) in &scale.ticks {
                    assert!(*t >= scale.low - 1e-9 && *t <= scale.high + 1e-9);
                    assert!(!label.contains("NaN") && !label.contains("inf"));
                }
                let labels: std::collections::BTreeSet<&str> =
                    scale.ticks.iter().map(|t| t.1.as_str()).collect();
                assert_eq!(labels.len(), n, "{low}..{high}: ticks of one name");
                // The curve ends before the axis does.
                for v in [low, high] {
                    let place = scale.place(v).unwrap();
                    assert!((0.01..=0.99).contains(&place), "{low}..{high}: {place}");
                }
            }
        }
        assert!(Scale::around(&[], PLAIN, 240.0, true).is_none());
        assert!(Scale::around(&[f64::MIN, f64::MAX], PLAIN, 240.0, true).is_none());
    }

    #[test]
    fn a_shared_power_of_ten_stands_beside_the_unit() {
        let scale = Scale::around(&[1e-23, 5e-23], PLAIN, 240.0, true).unwrap();
        assert_eq!(scale.label(PLAIN), "x (10⁻²³ J)");
        assert!(scale.ticks.iter().all(|t| (0.0..=6.0).contains(&t.0)));
        let one = Scale::around(&[1.0, 4.0], PLAIN, 240.0, true).unwrap();
        assert_eq!(one.label(PLAIN), "x (J)");
        assert_eq!(one.label(Axis { unit: "", ..PLAIN }), "x");
    }

    #[test]
    fn decades_are_equally_long_where_numbers_span_many() {
        let axis = Axis {
            decades: true,
            ..PLAIN
        };
        let scale = Scale::around(&[1.0, 1e4], axis, 400.0, true).unwrap();
        let names: Vec<&str> = scale.ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(names, ["1", "10", "100", "1000", "10000"]);
        let place = |v| scale.place(v).unwrap();
        assert!((place(100.0) - 0.5).abs() < 1e-12);
        assert!((place(1e4) - place(1e3) - place(10.0) + place(1.0)).abs() < 1e-12);
        let few = Scale::around(&[0.008, 0.7], axis, 240.0, false).unwrap();
        let names: Vec<&str> = few.ticks.iter().map(|t| t.1.as_str()).collect();
        assert_eq!(names, ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]);
        let wide = Scale::around(&[1e-30, 1e30], axis, 400.0, true).unwrap();
        assert!((2..=8).contains(&wide.ticks.len()) && wide.ticks[0].1.starts_with("10"));
        // Not below 0, and not for a few.
        assert!(
            !Scale::around(&[0.0, 1e4], axis, 400.0, true)
                .unwrap()
                .logarithmic
        );
        assert!(
            !Scale::around(&[1.0, 4.0], axis, 400.0, true)
                .unwrap()
                .logarithmic
        );
    }

    #[test]
    fn names_cannot_break_out_and_guides_make_no_room() {
        let line = |name: &str, guide, points| Curve {
            name: name.into(),
            guide,
            points,
            ..Curve::default()
        };
        let panel = Panel {
            x: PLAIN,
            y: PLAIN,
            curves: vec![
                line("<script>", false, vec![(0.0, 1.0), (1.0, 2.0)]),
                line("far", true, vec![(0.0, 1e9), (1.0, f64::NAN)]),
            ],
        };
        let svg = figure("</svg>", std::slice::from_ref(&panel));
        assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1);
        assert!(!svg.contains("NaN") && svg.contains(">2.0<"), "{svg}");
        assert_eq!(figure("none", &[]), "");
        assert_eq!(figure("none", &[Panel::default()]), "");
    }
}

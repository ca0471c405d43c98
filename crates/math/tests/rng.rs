//! Random streams and fills: exact identities, laws at a stated error probability, pinned values.
//!
//! Statistical tests have fixed seeds and reject at an error probability of 10⁻⁶ each, by
//! binomial or chi-squared tails.

use ergodic_math::rng::{
    bernoulli, bernoulli_mask, bernoulli_mask_f32, categorical, exponential, fill_normal,
    fill_normal_f32, fill_u32, fill_u64, fill_uniform, fill_uniform_f32, index, stream, uniform,
};
use ergodic_math::special::{chi_squared_survival, normal_cdf, normal_quantile};
use rand::{Rng, TryRng};

const ALPHA: f64 = 1e-6;

/// A generator that hands out given words, to test decisions exactly.
struct Script(Vec<u64>);
impl TryRng for Script {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0.remove(0) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.remove(0))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        let word = self.0.remove(0).to_le_bytes();
        for (o, b) in out.iter_mut().zip(word.iter().cycle()) {
            *o = *b;
        }
        Ok(())
    }
}

/// Whether `count` of `n` is compatible with probability `p`, by the exact binomial tails.
fn assert_binomial(count: u64, n: u64, p: f64, what: &str) {
    use ergodic_math::special::{binomial_cdf, binomial_survival};
    let low = binomial_cdf(count, n, p).unwrap();
    let high = if count == 0 {
        1.0
    } else {
        binomial_survival(count - 1, n, p).unwrap()
    };
    assert!(
        low > ALPHA / 2.0 && high > ALPHA / 2.0,
        "{what}: {count} of {n} at p = {p}, tails {low:e} and {high:e}"
    );
}

/// Chi-squared test of equal bins.
fn assert_equal_bins(counts: &[u64], what: &str) {
    let n: u64 = counts.iter().sum();
    let expected = n as f64 / counts.len() as f64;
    let statistic: f64 = counts
        .iter()
        .map(|&c| (c as f64 - expected).powi(2) / expected)
        .sum();
    let p = chi_squared_survival(statistic, counts.len() as f64 - 1.0).unwrap();
    assert!(
        p > ALPHA / 2.0 && p < 1.0 - ALPHA / 2.0,
        "{what}: chi-squared {statistic} over {} bins, p = {p:e}",
        counts.len()
    );
}

#[test]
fn fills_of_words_are_the_words_of_the_stream() {
    let mut words = vec![0u32; 2500];
    fill_u32(&mut stream(5, 6), &mut words);
    let mut one = stream(5, 6);
    assert!(words.iter().all(|&w| w == one.next_u32()));
    let mut words = vec![0u64; 1300];
    fill_u64(&mut stream(5, 6), &mut words);
    let mut one = stream(5, 6);
    assert!(words.iter().all(|&w| w == one.next_u64()));
}

#[test]
fn uniform_fill_is_the_sequence_of_single_uniforms() {
    let mut x = vec![0.0; 1300];
    fill_uniform(&mut stream(5, 6), &mut x);
    let mut one = stream(5, 6);
    assert!(x.iter().all(|&x| x == uniform(&mut one)));
}

#[test]
fn bernoulli_is_decided_at_the_exact_threshold() {
    let two_64 = 18_446_744_073_709_551_616.0;
    // p·2⁶⁴ is an integer T for these: true below T, false from T on.
    for p in [
        0.5,
        0.1,
        0.999_999_999,
        1.0 - 2f64.powi(-53),
        2f64.powi(-64),
        3.0 / two_64,
        1e-3,
    ] {
        let threshold = (p * two_64) as u64;
        assert_eq!(threshold as f64, p * two_64);
        assert!(bernoulli(&mut Script(vec![threshold - 1]), p), "{p}");
        assert!(!bernoulli(&mut Script(vec![threshold]), p), "{p}");
    }
    for p in [0.0, 2f64.powi(-66), 5e-324] {
        assert!(!bernoulli(&mut Script(vec![0]), p), "{p}");
    }
    assert!(bernoulli(&mut Script(vec![u64::MAX]), 1.0));
}

#[test]
fn mask_is_decided_at_the_exact_threshold() {
    // The first byte of the uniform comes from the buffer, the rest from the next word (its low
    // byte is not used).
    let decide_f32 = |p: f32, w: u32| {
        let mut out = [7];
        let rest = u64::from(w << 8);
        bernoulli_mask_f32(&mut Script(vec![u64::from(w >> 24), rest]), &[p], &mut out);
        out[0]
    };
    let decide = |p: f64, w: u64| {
        let mut out = [7];
        bernoulli_mask(&mut Script(vec![w >> 56, w << 8]), &[p], &mut out);
        out[0]
    };
    for p in [
        0.5f32,
        0.1,
        0.7,
        1.0 - 2f32.powi(-24),
        2f32.powi(-32),
        3.0 * 2f32.powi(-32),
        1e-2,
    ] {
        let threshold = (f64::from(p) * 4_294_967_296.0) as u32;
        assert_eq!(decide_f32(p, threshold - 1), 1, "{p}");
        assert_eq!(decide_f32(p, threshold), 0, "{p}");
        assert_eq!(decide_f32(p, u32::MAX), 0, "{p}");
        assert_eq!(decide_f32(p, 0), 1, "{p}");
    }
    for p in [
        0.5,
        0.1,
        0.7,
        1.0 - 2f64.powi(-53),
        2f64.powi(-64),
        3.0 * 2f64.powi(-64),
        1e-3,
    ] {
        let threshold = (p * 18_446_744_073_709_551_616.0) as u64;
        assert_eq!(decide(p, threshold - 1), 1, "{p}");
        assert_eq!(decide(p, threshold), 0, "{p}");
        assert_eq!(decide(p, u64::MAX), 0, "{p}");
        assert_eq!(decide(p, 0), 1, "{p}");
    }
    for p in [0.0f32, 2f32.powi(-34), 1e-45] {
        assert_eq!(decide_f32(p, 0), 0, "{p}");
        assert_eq!(decide(f64::from(p) * 2f64.powi(-32), 0), 0, "{p}");
    }
    assert_eq!(decide_f32(1.0, u32::MAX), 1);
    assert_eq!(decide_f32(1.0, 0), 1);
    assert_eq!(decide(1.0, u64::MAX), 1);
    assert_eq!(decide(1.0, 0), 1);
}

#[test]
fn mask_frequencies_are_the_probabilities() {
    let n = 400_000u64;
    let grid = [
        0.0f32,
        1e-4,
        0.003,
        1.0 / 256.0,
        0.1,
        0.25,
        0.5,
        0.501,
        0.75,
        0.9961,
        0.9999,
        1.0,
    ];
    for (i, &p) in grid.iter().enumerate() {
        let mut out = vec![9u8; n as usize];
        bernoulli_mask_f32(&mut stream(11, i as u64), &vec![p; n as usize], &mut out);
        assert!(out.iter().all(|&o| o <= 1));
        let count = out.iter().map(|&o| u64::from(o)).sum();
        if p == 0.0 || p == 1.0 {
            assert_eq!(count, if p == 0.0 { 0 } else { n });
        } else {
            assert_binomial(count, n, f64::from(p), "f32 mask");
        }
        let p = f64::from(p);
        bernoulli_mask(&mut stream(12, i as u64), &vec![p; n as usize], &mut out);
        let count = out.iter().map(|&o| u64::from(o)).sum();
        if p == 0.0 || p == 1.0 {
            assert_eq!(count, if p == 0.0 { 0 } else { n });
        } else {
            assert_binomial(count, n, p, "f64 mask");
        }
        let mut rng = stream(13, i as u64);
        let count = (0..n).map(|_| u64::from(bernoulli(&mut rng, p))).sum();
        assert_binomial(count, n, p.clamp(1e-9, 1.0 - 1e-9), "single draws");
    }
}

#[test]
fn mask_with_tied_first_bytes_has_the_right_frequency() {
    // p below 2⁻⁸ is decided by the second draw alone once the first byte is 0.
    let n = 4_000_000;
    let p = 0.4f32 / 256.0;
    let mut out = vec![0u8; n];
    bernoulli_mask_f32(&mut stream(14, 0), &vec![p; n], &mut out);
    let count = out.iter().map(|&o| u64::from(o)).sum();
    assert_binomial(count, n as u64, f64::from(p), "ties");
}

#[test]
fn mask_elements_are_independent_of_their_neighbours() {
    let n = 1_000_000;
    let mut out = vec![0u8; n];
    bernoulli_mask_f32(&mut stream(15, 0), &vec![0.3; n], &mut out);
    for lag in [1, 2, 8, 16, 1024] {
        let pairs = (n - lag) as u64;
        let both = (0..n - lag)
            .filter(|&i| out[i] == 1 && out[i + lag] == 1)
            .count() as f64;
        // Var of Σ xᵢxᵢ₊ₗ for independent terms: n(p² − p⁴) + 2n(p³ − p⁴)
        let (p, m) = (0.3f64, pairs as f64);
        let sd = (m * (p.powi(2) - p.powi(4)) + 2.0 * m * (p.powi(3) - p.powi(4))).sqrt();
        let bound = normal_quantile(1.0 - ALPHA / 10.0).unwrap();
        assert!((both - m * p * p).abs() < bound * sd, "lag {lag}: {both}");
    }
}

#[test]
fn masks_of_any_length_fill_every_element() {
    for n in [0usize, 1, 7, 8, 9, 1023, 1024, 1025, 3000] {
        let p: Vec<f32> = (0..n).map(|i| (i % 2) as f32).collect();
        let mut out = vec![9u8; n];
        bernoulli_mask_f32(&mut stream(1, 1), &p, &mut out);
        assert!(out.iter().zip(&p).all(|(&o, &p)| f32::from(o) == p));
        let p: Vec<f64> = p.iter().map(|&p| f64::from(p)).collect();
        bernoulli_mask(&mut stream(1, 1), &p, &mut out);
        assert!(out.iter().zip(&p).all(|(&o, &p)| f64::from(o) == p));
        let mut z = vec![f32::NAN; n];
        fill_normal_f32(&mut stream(1, 1), &mut z);
        assert!(z.iter().all(|z| z.is_finite()));
    }
}

/// Bins `Φ(z)` into 200 equal parts and counts the tails apart.
fn assert_normal(z: &[f64], what: &str) {
    let n = z.len() as u64;
    let mut bins = [0u64; 200];
    for &z in z {
        bins[((normal_cdf(z) * 200.0) as usize).min(199)] += 1;
    }
    assert_equal_bins(&bins, what);
    for t in [-4.5, -4.0, -3.5, -3.0] {
        let below = z.iter().filter(|&&z| z < t).count() as u64;
        let above = z.iter().filter(|&&z| z > -t).count() as u64;
        assert_binomial(below, n, normal_cdf(t), what);
        assert_binomial(above, n, normal_cdf(t), what);
    }
}

#[test]
fn normal_fills_have_the_normal_law() {
    let n = 2_000_000;
    let mut z = vec![0f32; n];
    fill_normal_f32(&mut stream(21, 0), &mut z);
    let z: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
    assert_normal(&z, "f32 normals");
    let mut z = vec![0f64; 1_000_000];
    fill_normal(&mut stream(22, 0), &mut z);
    assert_normal(&z, "f64 normals");
}

#[test]
fn exponentials_have_the_exponential_law() {
    let mut rng = stream(24, 0);
    let n = 1_000_000u64;
    let e: Vec<f64> = (0..n).map(|_| exponential(&mut rng)).collect();
    let mut bins = [0u64; 200];
    for &e in &e {
        bins[((-libm::expm1(-e) * 200.0) as usize).min(199)] += 1;
    }
    assert_equal_bins(&bins, "exponentials");
    for t in [5.0, 7.0, 7.697, 8.0, 9.0] {
        let above = e.iter().filter(|&&e| e > t).count() as u64;
        assert_binomial(above, n, libm::exp(-t), "exponential tail");
    }
}

#[test]
fn normal_pairs_are_independent_and_isotropic() {
    // Pairs of one transform lie half a buffer apart; their angle is uniform and their squared
    // radius exponential, jointly: 16 × 16 equal cells.
    let mut cells = [0u64; 256];
    let mut z = [0f32; 1024];
    let mut rng = stream(23, 0);
    for _ in 0..1500 {
        fill_normal_f32(&mut rng, &mut z);
        let (a, b) = z.split_at(512);
        for (&a, &b) in a.iter().zip(b) {
            let (a, b) = (f64::from(a), f64::from(b));
            let angle = libm::atan2(b, a) / std::f64::consts::TAU + 0.5;
            let radius = libm::exp(-0.5 * (a * a + b * b));
            let i = ((16.0 * angle) as usize).min(15);
            let j = ((16.0 * radius) as usize).min(15);
            cells[16 * i + j] += 1;
        }
    }
    assert_equal_bins(&cells, "angle and radius");
}

#[test]
fn uniform_fills_are_uniform_multiples_of_their_resolution() {
    let n = 1_000_000;
    let mut u = vec![0f32; n];
    fill_uniform_f32(&mut stream(31, 0), &mut u);
    let mut bins = [0u64; 1000];
    for &u in &u {
        assert!((0.0..1.0).contains(&u) && (u * 16_777_216.0).fract() == 0.0);
        bins[(f64::from(u) * 1000.0) as usize] += 1;
    }
    assert_equal_bins(&bins, "f32 uniforms");
    let mut u = vec![0f64; n];
    fill_uniform(&mut stream(32, 0), &mut u);
    let mut bins = [0u64; 1000];
    for &u in &u {
        assert!((0.0..1.0).contains(&u) && (u * 2f64.powi(53)).fract() == 0.0);
        bins[(u * 1000.0) as usize] += 1;
    }
    assert_equal_bins(&bins, "f64 uniforms");
}

#[test]
fn index_is_uniform_and_categorical_follows_its_weights() {
    let mut rng = stream(41, 0);
    for n in [1usize, 2, 3, 7, 100] {
        let mut bins = vec![0u64; n];
        for _ in 0..200_000 {
            bins[index(&mut rng, n)] += 1;
        }
        if n > 1 {
            assert_equal_bins(&bins, "index");
        }
    }
    let weights = [0.0, 2.0, 0.0, 1.0, 5.0, 0.0];
    let n = 400_000;
    let mut bins = [0u64; 6];
    for _ in 0..n {
        bins[categorical(&mut rng, &weights)] += 1;
    }
    for (&c, w) in bins.iter().zip(weights) {
        if w == 0.0 {
            assert_eq!(c, 0);
        } else {
            assert_binomial(c, n, w / 8.0, "categorical");
        }
    }
}

/// FNV-1a of the bits.
fn digest(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0xcbf2_9ce4_8422_2325, |h, w| {
        (h ^ w).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn value_stability_of_streams() {
    let words = |seed, id| {
        let mut rng = stream(seed, id);
        [rng.next_u64(), rng.next_u64()]
    };
    assert_eq!(words(0, 0), [13080132717333068652, 8594738769458413623]);
    assert_eq!(words(42, 7), [2370525664269707216, 6019739031913071421]);
}

#[test]
fn value_stability_of_fills() {
    let n = 2500;
    let p: Vec<f32> = (0..n).map(|i| i as f32 / n as f32).collect();
    let q: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
    let mut f = vec![0f32; n];
    let mut d = vec![0f64; n];
    let mut m = vec![0u8; n];
    let mut found = Vec::new();
    fill_uniform(&mut stream(1, 1), &mut d);
    found.push(digest(d.iter().map(|x| x.to_bits())));
    fill_uniform_f32(&mut stream(1, 2), &mut f);
    found.push(digest(f.iter().map(|x| u64::from(x.to_bits()))));
    // Enough for wedges and tails. Changed with the ziggurat of our own, whose edges have more digits
    // than those of rand_distr: draws moved by up to 1e-10, wedges and tails by the last bit.
    let mut many = vec![0f64; 20_000];
    fill_normal(&mut stream(1, 3), &mut many);
    assert!(many.iter().any(|z| z.abs() > 3.7));
    found.push(digest(many.iter().map(|x| x.to_bits())));
    many.fill_with({
        let mut rng = stream(1, 8);
        move || exponential(&mut rng)
    });
    assert!(many.iter().any(|e| *e > 7.7));
    found.push(digest(many.iter().map(|x| x.to_bits())));
    fill_normal_f32(&mut stream(1, 4), &mut f);
    found.push(digest(f.iter().map(|x| u64::from(x.to_bits()))));
    bernoulli_mask(&mut stream(1, 5), &q, &mut m);
    found.push(digest(m.iter().map(|&x| u64::from(x))));
    bernoulli_mask_f32(&mut stream(1, 6), &p, &mut m);
    found.push(digest(m.iter().map(|&x| u64::from(x))));
    let mut rng = stream(1, 7);
    found.push(digest((0..n).map(|i| u64::from(bernoulli(&mut rng, q[i])))));
    found.push(digest((0..n).map(|i| index(&mut rng, i + 1) as u64)));
    found.push(digest((0..n).map(|_| categorical(&mut rng, &q) as u64)));
    assert_eq!(
        found,
        [
            7344771548683873926,
            310853555319432678,
            18207268002103973896,
            770071535877495084,
            3725182805140855360,
            15634679123461492646,
            16456195370468386146,
            1693754346783078606,
            15146421580624317867,
            8486923779072878007,
        ]
    );
}

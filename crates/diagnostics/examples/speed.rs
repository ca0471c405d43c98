//! Speed.
use ergodic_core::Draws;
use std::time::Instant;
fn main() {
    let phi: f64 = std::env::args().nth(1).map_or(0.5, |s| s.parse().unwrap());
    let (c, n, p) = (4, 100_000, 50);
    let mut v = vec![0.0; c * n * p];
    ergodic_math::rng::fill_normal(&mut ergodic_math::rng::stream(1, 0), &mut v);
    let s = (1.0 - phi * phi).sqrt();
    for chain in v.chunks_exact_mut(n * p) {
        for i in p..chain.len() {
            chain[i] = phi * chain[i - p] + s * chain[i];
        }
    }
    let d = Draws::new(Draws::default_names(p), c, n, v).unwrap();
    for _ in 0..3 {
        let t = Instant::now();
        let s = ergodic_diagnostics::summary(&d).unwrap();
        println!("{:.3} s {:?}", t.elapsed().as_secs_f64(), s.rows[0]);
    }
}

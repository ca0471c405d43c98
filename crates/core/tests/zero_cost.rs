//! Randomness as an argument costs nothing: a Metropolis loop written against `Randomness` and the
//! same loop with its draws written out on the generator give the same bits in the same time.

use std::hint::black_box;
use std::time::Instant;

use ergodic_core::Randomness;
use ergodic_math::rng::stream;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const SITES: usize = 256;
const STEPS: usize = 40_000;

/// `acceptance[k] = min(1, e^{−ΔE})` of an Ising ring, by the number of equal neighbours.
fn acceptance() -> [f64; 3] {
    [0.0, 1.0, 2.0].map(|equal: f64| (-2.0 * 0.4 * (2.0 * equal - 2.0)).exp().min(1.0))
}

fn equal_neighbours(s: &[u8; SITES], i: usize) -> usize {
    usize::from(s[(i + 1) % SITES] == s[i]) + usize::from(s[(i + SITES - 1) % SITES] == s[i])
}

#[inline(never)]
fn through_the_trait<R: Randomness + ?Sized>(s: &mut [u8; SITES], p: &[f64; 3], rng: &mut R) {
    for _ in 0..STEPS {
        let i = rng.index(SITES);
        if rng.bernoulli(p[equal_neighbours(s, i)]) {
            s[i] ^= 1;
        }
    }
}

#[inline(never)]
fn on_the_generator<R: Rng + ?Sized>(s: &mut [u8; SITES], p: &[f64; 3], rng: &mut R) {
    for _ in 0..STEPS {
        // Lemire's multiply-shift with rejection.
        let n = SITES as u64;
        let mut m = u128::from(rng.next_u64()) * u128::from(n);
        if (m as u64) < n {
            while (m as u64) < n.wrapping_neg() % n {
                m = u128::from(rng.next_u64()) * u128::from(n);
            }
        }
        let i = (m >> 64) as usize;
        let p = p[equal_neighbours(s, i)];
        // The check that the trait makes in this kind of build, too.
        debug_assert!((0.0..=1.0).contains(&p), "bernoulli probability is {p}");
        let threshold = (p * 18_446_744_073_709_551_616.0) as u64;
        if rng.next_u64() < threshold || p >= 1.0 {
            s[i] ^= 1;
        }
    }
}

#[test]
fn the_trait_takes_the_same_decisions_as_the_generator() {
    let (mut a, mut b, mut c) = ([0u8; SITES], [0u8; SITES], [0u8; SITES]);
    let p = acceptance();
    let (mut x, mut y, mut z) = (stream(3, 0), stream(3, 0), stream(3, 0));
    through_the_trait(&mut a, &p, &mut x);
    on_the_generator(&mut b, &p, &mut y);
    let dynamic: &mut dyn Randomness = &mut z;
    through_the_trait(&mut c, &p, dynamic);
    assert_eq!(a, b);
    assert_eq!(a, c);
    assert!(a.contains(&1) && a.contains(&0));
    let next = x.next_u64();
    assert_eq!(next, y.next_u64());
    assert_eq!(next, z.next_u64());
}

type Loop = fn(&mut [u8; SITES], &[f64; 3], &mut ChaCha8Rng);

/// The least time of either loop so far.
struct Shortest {
    through: f64,
    direct: f64,
}

impl Shortest {
    /// Runs the loops `repeats` times in turns, so that a slow moment of the machine meets both.
    fn run(&mut self, repeats: usize) {
        let p = acceptance();
        let time = |f: Loop| {
            let (mut s, mut rng) = ([0u8; SITES], stream(4, 0));
            let start = Instant::now();
            f(black_box(&mut s), black_box(&p), black_box(&mut rng));
            let seconds = start.elapsed().as_secs_f64();
            black_box(s);
            seconds
        };
        for k in 0..repeats {
            if k % 2 == 0 {
                self.through = self.through.min(time(through_the_trait));
                self.direct = self.direct.min(time(on_the_generator));
            } else {
                self.direct = self.direct.min(time(on_the_generator));
                self.through = self.through.min(time(through_the_trait));
            }
        }
    }

    fn ratio(&self) -> f64 {
        self.through / self.direct
    }
}

/// The bound is 2 %, on the ratio of the least times over *all* runs.
///
/// A disturbance only ever adds time, so that both minima fall towards the times of the loops
/// themselves: a lucky moment for one loop cannot be undone by later runs, and a cost of the trait
/// stays in the ratio however long the test goes on. It goes on only because minima may need many
/// runs to settle on a busy machine.
#[test]
fn the_trait_costs_no_time() {
    if !optimised() {
        eprintln!("SKIPPED the_trait_costs_no_time: not an optimised build, nothing is inlined");
        return;
    }
    let mut least = Shortest {
        through: f64::INFINITY,
        direct: f64::INFINITY,
    };
    least.run(60);
    for _ in 0..20 {
        if least.ratio() <= 1.02 {
            return;
        }
        least.run(30);
    }
    panic!(
        "the least time through the trait is {:.4} of that on the generator, over 660 runs",
        least.ratio()
    );
}

/// Whether this build is optimised: only then does this sum fold to a constant, which takes no
/// time instead of milliseconds.
fn optimised() -> bool {
    (0..5).any(|_| {
        let start = Instant::now();
        let mut total = 0u64;
        for k in 0..1_000_000u64 {
            total = total.wrapping_add(k);
        }
        black_box(total);
        start.elapsed().as_micros() < 100
    })
}

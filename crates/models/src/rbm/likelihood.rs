//! Likelihoods of machines too large to enumerate.

use ergodic_core::{ArgumentError, MarkovKernel, Path};
use ergodic_math::rng;

use super::{BlockGibbs, Rbm, RbmPath, Unit};

pub(super) fn quick_log_z<F: Unit>(
    rbm: &Rbm<F>,
    base_rates: &[f64],
    seed: u64,
    stream: u64,
) -> Result<f64, ArgumentError> {
    let path = RbmPath::new(rbm, base_rates)?;
    let mut rng = rng::stream(seed, 9 << 48 | stream);
    let (chains, rungs) = (100, 1000);
    let start = path.sample_base(chains, &mut rng);
    let mut kernel = BlockGibbs;
    let e = |e: ergodic_core::TargetError| ArgumentError::new("rbm", e, "usable");
    let mut state = kernel.init(&path.at(0.0), &start).map_err(e)?;
    let mut logw = vec![0.0; chains];
    let mut work = vec![0.0; chains];
    for k in 1..=rungs {
        let (from, to) = ((k - 1) as f64 / rungs as f64, k as f64 / rungs as f64);
        path.work(state.block(), from, to, &mut work);
        logw.iter_mut().zip(&work).for_each(|(l, w)| *l -= w);
        if k < rungs {
            kernel.step(&path.at(to), &mut state, &mut rng).map_err(e)?;
        }
    }
    let max = logw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = logw.iter().map(|l| (l - max).exp()).sum::<f64>() / chains as f64;
    Ok(path.log_z_base() + max + mean.ln())
}

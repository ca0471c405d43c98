//! Exponential families and maximum entropy: batches of laws, a die, many sparse features.

use criterion::{Criterion, criterion_group, criterion_main};
use ergodic_benches::{Case, close};
use ergodic_core::ExponentialFamily;
use ergodic_expfam::families::Normal;
use ergodic_expfam::{
    ConditionalMaximumEntropy, Constraint, FeatureRows, MaximumEntropy, MaximumEntropyLaw,
    Relaxation, SparseFeatures, SparseMaximumEntropy,
};
use ergodic_math::rng;
use nalgebra::DMatrix;
use rayon::ThreadPool;

const NORMALS: usize = 1_000_000;

fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("threads")
}

/// Natural parameters of a million normals, and room for log-partitions and mean parameters.
struct Normals {
    natural: Vec<f64>,
    log_partition: Vec<f64>,
    mean: Vec<f64>,
}

fn normals(criterion: &mut Criterion) {
    let evaluate = |n: &mut Normals| {
        Normal
            .evaluate_columns(&n.natural, &mut n.log_partition, &mut n.mean)
            .map_err(|e| e.to_string())
    };
    Case::seconds("expfam/normal/1000000", 1.0)
        .peer_script("NumPy", "expfam_numpy.py", &[])
        .run(
            criterion,
            || {
                let mut natural = vec![0.0; 2 * NORMALS];
                let (linear, quadratic) = natural.split_at_mut(NORMALS);
                rng::fill_normal(&mut rng::stream(1, 0), linear);
                rng::fill_uniform(&mut rng::stream(1, 1), quadratic);
                for q in quadratic {
                    *q = -0.1 - *q;
                }
                Normals {
                    natural,
                    log_partition: vec![0.0; NORMALS],
                    mean: vec![0.0; 2 * NORMALS],
                }
            },
            |n| {
                evaluate(n)?;
                for i in (0..NORMALS).step_by(997) {
                    let (a, b) = (n.natural[i], n.natural[NORMALS + i]);
                    let (m, v) = (-a / (2.0 * b), -0.5 / b);
                    let exact = 0.5 * m * m / v + 0.5 * libm::log(v);
                    if (n.log_partition[i] - exact).abs() > 1e-14 * (1.0 + m * m / v) {
                        return Err(format!("A is {}, not {exact}", n.log_partition[i]));
                    }
                    if (n.mean[i] - m).abs() > 1e-15 * (1.0 + m.abs()) {
                        return Err(format!("the mean is {}, not {m}", n.mean[i]));
                    }
                    close("the second moment", n.mean[NORMALS + i], m * m + v, 1e-15)?;
                }
                Ok(())
            },
            |n| evaluate(n).expect("it was checked"),
        );
}

/// Jaynes' die of mean 4.5, from its faces to its multiplier.
fn die(criterion: &mut Criterion) {
    let solve = || -> Result<MaximumEntropyLaw, String> {
        MaximumEntropy::new(DMatrix::from_fn(6, 1, |i, _| (i + 1) as f64), &[1.0; 6])
            .and_then(|faces| faces.solve(&[Constraint::Equal(4.5)]))
            .map_err(|e| e.to_string())
    };
    Case::seconds("expfam/maximum-entropy/brandeis-die", 1.0)
        .peer_script("SciPy", "expfam_scipy.py", &["die"])
        .run(
            criterion,
            || (),
            |()| {
                let law = solve()?;
                close("λ", law.multipliers[0], 0.37104893808103323, 1e-12)?;
                close("the entropy", law.entropy(), 1.6135810981538292, 1e-12)
            },
            |()| {
                std::hint::black_box(solve()).expect("it was checked");
            },
        );
}

const STATES: usize = 100_000;
const FEATURES: usize = 1000;
const EACH: usize = 10;

/// 100,000 states with ten normal features each of 1,000, and the moments of the member of the family
/// with these multipliers, of size 1/2.
fn sparse() -> (SparseFeatures, Vec<f64>, Vec<Constraint>) {
    let mut random = rng::stream(2, 0);
    let mut multipliers = vec![0.0; FEATURES];
    rng::fill_normal(&mut random, &mut multipliers);
    for l in &mut multipliers {
        *l *= 0.5;
    }
    let mut rows = FeatureRows::default();
    let mut weights = Vec::with_capacity(STATES);
    for _ in 0..STATES {
        let mut entries: Vec<u32> = Vec::with_capacity(EACH);
        while entries.len() < EACH {
            let j = rng::index(&mut random, FEATURES) as u32;
            if !entries.contains(&j) {
                entries.push(j);
            }
        }
        entries.sort_unstable();
        let mut values = [0.0; EACH];
        rng::fill_normal(&mut random, &mut values);
        let terms = entries.iter().zip(&values);
        weights.push(libm::exp(
            terms.map(|(j, v)| multipliers[*j as usize] * v).sum(),
        ));
        rows.push(1.0, &entries, &values);
    }
    let total: f64 = weights.iter().sum();
    let mut means = vec![0.0; FEATURES];
    for (i, w) in weights.iter().enumerate() {
        let (_, entries, values) = rows.get(i).expect("a state");
        for (j, v) in entries.iter().zip(values) {
            means[*j as usize] += w / total * v;
        }
    }
    let constraints = means.into_iter().map(Constraint::Equal).collect();
    (
        SparseFeatures::new(FEATURES, rows),
        multipliers,
        constraints,
    )
}

fn many_features(criterion: &mut Criterion) {
    type Make = fn() -> (SparseFeatures, Vec<f64>, Vec<Constraint>);
    let cases: [(&str, Make); 2] = [("", sparse), ("-dense", dense)];
    for ((kind, make), threads) in cases.into_iter().flat_map(|case| [(case, 1), (case, 2)]) {
        let pool = pool(threads);
        let name = format!("expfam/maximum-entropy/1000x100000{kind}-threads-{threads}");
        let solve = |source: &SparseFeatures, constraints: &[Constraint]| {
            pool.install(|| {
                SparseMaximumEntropy::new(source)
                    .and_then(|problem| problem.solve(constraints))
                    .map_err(|e| e.to_string())
            })
        };
        let mut case = Case::seconds(&name, 1.0).long().threads(threads);
        if threads == 1 {
            let argument = if kind.is_empty() { "sparse" } else { "dense" };
            case = case.peer_script("SciPy", "expfam_scipy.py", &[argument]);
        }
        case.run(
            criterion,
            make,
            |(source, multipliers, constraints)| {
                let law = solve(source, constraints)?;
                println!(
                    "{name}: gap {:e}, violation {:e}, {} steps",
                    law.gap, law.violation, law.iterations
                );
                if law.gap.abs() > 1e-6 || law.violation > 1e-8 {
                    return Err(format!("gap {:e}, violation {:e}", law.gap, law.violation));
                }
                for (found, exact) in law.multipliers.iter().zip(multipliers) {
                    if (found - *exact).abs() > 1e-6 {
                        return Err(format!("a multiplier is {found}, not {exact}"));
                    }
                }
                Ok(())
            },
            |(source, _, constraints)| {
                std::hint::black_box(solve(source, constraints)).expect("it was checked");
            },
        );
    }
}

/// As [`sparse`], with all features on all states: the multipliers are those of a log weight of variance 1.
fn dense() -> (SparseFeatures, Vec<f64>, Vec<Constraint>) {
    let mut random = rng::stream(3, 0);
    let mut multipliers = vec![0.0; FEATURES];
    rng::fill_normal(&mut random, &mut multipliers);
    for l in &mut multipliers {
        *l /= (FEATURES as f64).sqrt();
    }
    let entries: Vec<u32> = (0..FEATURES as u32).collect();
    let mut rows = FeatureRows::default();
    let (mut total, mut means) = (0.0, vec![0.0; FEATURES]);
    let mut values = vec![0.0; FEATURES];
    for _ in 0..STATES {
        rng::fill_normal(&mut random, &mut values);
        let along: f64 = multipliers.iter().zip(&values).map(|(l, v)| l * v).sum();
        let weight = libm::exp(along);
        total += weight;
        for (m, v) in means.iter_mut().zip(&values) {
            *m += weight * v;
        }
        rows.push(1.0, &entries, &values);
    }
    let constraints = means.iter().map(|m| Constraint::Equal(m / total)).collect();
    (
        SparseFeatures::new(FEATURES, rows),
        multipliers,
        constraints,
    )
}

/// 569 tumours: standardised measurements behind a column of ones, and whether they are benign.
fn tumours() -> (DMatrix<f64>, Vec<usize>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/wdbc.csv");
    let text = std::fs::read_to_string(path).expect("the data");
    let table: Vec<Vec<f64>> = (text.lines())
        .map(|line| {
            line.split(',')
                .map(|x| x.parse().expect("a number"))
                .collect()
        })
        .collect();
    let n = table.len();
    let mut rows = DMatrix::from_fn(n, 31, |i, j| if j == 0 { 1.0 } else { table[i][j] });
    for mut column in rows.column_iter_mut().skip(1) {
        let mean = column.mean();
        let deviation = column.variance().sqrt();
        column.apply(|x| *x = (*x - mean) / deviation);
    }
    (rows, table.iter().map(|row| row[0] as usize).collect())
}

/// Logistic regression with a Gaussian prior of variance 1 on each coefficient but the intercept: each
/// class has half of a coefficient, so that s² = 2/n.
fn logistic(criterion: &mut Criterion) {
    let solve = |rows: &DMatrix<f64>, labels: &[usize]| {
        let penalty = Relaxation::Near((2.0 / rows.nrows() as f64).sqrt());
        let mut relaxations = vec![penalty; rows.ncols()];
        relaxations[0] = Relaxation::Exact;
        let problem = ConditionalMaximumEntropy::new(rows.clone(), labels, 2);
        let problem = problem.map_err(|e| e.to_string())?;
        problem.solve(&relaxations).map_err(|e| e.to_string())
    };
    Case::seconds("expfam/conditional/breast-cancer", 1.0)
        .peer_script("scikit-learn", "expfam_sklearn.py", &[])
        .run(
            criterion,
            tumours,
            |(rows, labels)| {
                let law = solve(rows, labels)?;
                let n = rows.nrows() as f64;
                for j in 0..rows.ncols() {
                    let coefficient = law.multipliers[(j, 1)] - law.multipliers[(j, 0)];
                    let mut slope = if j == 0 { 0.0 } else { coefficient / n };
                    for (i, label) in labels.iter().enumerate() {
                        let score: f64 = (0..rows.ncols())
                            .map(|k| law.multipliers[(k, 1)] - law.multipliers[(k, 0)])
                            .zip(rows.row(i).iter())
                            .map(|(c, x)| c * x)
                            .sum();
                        let p = 1.0 / (1.0 + libm::exp(-score));
                        slope += (p - *label as f64) * rows[(i, j)] / n;
                    }
                    if slope.abs() > 1e-9 {
                        return Err(format!("the slope of coefficient {j} is {slope:e}"));
                    }
                }
                Ok(())
            },
            |(rows, labels)| {
                std::hint::black_box(solve(rows, labels)).expect("it was checked");
            },
        );
}

criterion_group!(benches, normals, die, many_features, logistic);
criterion_main!(benches);

//! Packed lower triangular matrices: the factor `L` of a covariance `Σ = L Lᵀ`.
//!
//! Row `i` holds its `i + 1` entries after those of the rows above: `d(d + 1)/2` numbers.

use ergodic_core::ArgumentError;

/// Where row `i` begins.
const fn row(i: usize) -> usize {
    i * (i + 1) / 2
}

/// Cholesky's factor of a row-major symmetric `dim × dim` matrix, or the first place at which it
/// is not positive definite.
pub(crate) fn cholesky(dim: usize, matrix: &[f64]) -> Result<Vec<f64>, usize> {
    let mut l = vec![0.0; row(dim)];
    for i in 0..dim {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[row(i) + k] * l[row(j) + k]).sum();
            let rest = matrix[i * dim + j] - dot;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return Err(i);
                }
                l[row(i) + i] = rest.sqrt();
            } else {
                l[row(i) + j] = rest / l[row(j) + j];
            }
        }
    }
    Ok(l)
}

/// [`cholesky`] of a matrix that a user gave, checked for shape, symmetry (to rounding) and
/// definiteness.
pub(crate) fn checked_cholesky(dim: usize, covariance: &[f64]) -> Result<Vec<f64>, ArgumentError> {
    let error = |found: String| {
        ArgumentError::new(
            "covariance",
            found,
            format!("a finite symmetric positive definite {dim} by {dim} matrix in rows"),
        )
    };
    if dim == 0 || dim.checked_mul(dim) != Some(covariance.len()) {
        return Err(error(format!("of length {}", covariance.len())));
    }
    if let Some(bad) = covariance.iter().find(|c| !c.is_finite()) {
        return Err(error(format!("{bad} somewhere")));
    }
    for i in 0..dim {
        for j in 0..i {
            let (a, b) = (covariance[i * dim + j], covariance[j * dim + i]);
            if (a - b).abs() > 1e-12 * (a.abs() + b.abs()) {
                return Err(error(format!("{a} at ({i}, {j}) and {b} at ({j}, {i})")));
            }
        }
    }
    cholesky(dim, covariance).map_err(|i| error(format!("not positive definite in row {i}")))
}

/// `x ← L x`.
pub(crate) fn multiply(l: &[f64], x: &mut [f64]) {
    for i in (0..x.len()).rev() {
        let entries = &l[row(i)..=row(i) + i];
        x[i] = entries.iter().zip(&*x).map(|(l, x)| l * x).sum();
    }
}

/// `L⁻¹`, packed as `L`.
pub(crate) fn invert(dim: usize, l: &[f64]) -> Vec<f64> {
    let mut inverse = vec![0.0; l.len()];
    for j in 0..dim {
        inverse[row(j) + j] = 1.0 / l[row(j) + j];
        for i in j + 1..dim {
            let dot: f64 = (j..i).map(|k| l[row(i) + k] * inverse[row(k) + j]).sum();
            inverse[row(i) + j] = -dot / l[row(i) + i];
        }
    }
    inverse
}

/// Row `i` of `W (x − mean)` for a packed lower triangular `W`.
pub(crate) fn whitened(w: &[f64], i: usize, x: &[f64], mean: &[f64]) -> f64 {
    w[row(i)..=row(i) + i]
        .iter()
        .zip(x.iter().zip(mean))
        .map(|(w, (x, m))| w * (x - m))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_and_inverse_reproduce_the_matrix() {
        let sigma = [4.0, 2.0, -1.0, 2.0, 3.0, 0.5, -1.0, 0.5, 2.0];
        let l = cholesky(3, &sigma).unwrap();
        // Columns of L are L eⱼ; Σ = Σⱼ (L eⱼ)(L eⱼ)ᵀ.
        let mut product = [0.0; 9];
        for j in 0..3 {
            let mut e = [0.0; 3];
            e[j] = 1.0;
            multiply(&l, &mut e);
            for a in 0..3 {
                for b in 0..3 {
                    product[3 * a + b] += e[a] * e[b];
                }
            }
            // L⁻¹ L eⱼ = eⱼ.
            let w = invert(3, &l);
            for i in 0..3 {
                let unit = whitened(&w, i, &e, &[0.0; 3]);
                assert!((unit - f64::from(u8::from(i == j))).abs() < 1e-15);
            }
        }
        for (p, s) in product.iter().zip(sigma) {
            assert!((p - s).abs() < 1e-15);
        }
    }

    #[test]
    fn what_is_not_a_covariance_is_refused() {
        let message = |dim, c: &[f64]| checked_cholesky(dim, c).unwrap_err().to_string();
        assert!(message(2, &[1.0; 3]).contains("of length 3"));
        assert!(message(0, &[]).contains("of length 0"));
        assert!(message(1, &[f64::NAN]).contains("NaN"));
        assert!(message(2, &[1.0, 0.5, 0.4, 1.0]).contains("at (1, 0)"));
        assert!(message(2, &[1.0, 2.0, 2.0, 1.0]).contains("in row 1"));
    }
}

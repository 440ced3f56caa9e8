//! Adjustment of p values for multiple comparisons. Definition D93.

use crate::base::error::{Error, Result};

/// How p values are adjusted for multiple comparisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correction {
    /// Holm: bounds the probability of one or more false positives.
    #[default]
    Holm,
    /// Benjamini and Hochberg: bounds the expected share of false positives among the findings.
    BenjaminiHochberg,
    /// No adjustment.
    None,
}

impl Correction {
    /// The correction of the given name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "holm" => Ok(Correction::Holm),
            "benjamini_hochberg" => Ok(Correction::BenjaminiHochberg),
            "none" => Ok(Correction::None),
            _ => Err(Error::not_one_of("correction", name, &["holm", "benjamini_hochberg", "none"])),
        }
    }
}

/// The adjusted p values; unknown ones stay unknown and do not count as comparisons.
///
/// Sources: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979);
/// Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57
/// (1995).
pub fn adjusted(p_values: &[Option<f64>], correction: Correction) -> Vec<Option<f64>> {
    let mut known = p_values.iter().enumerate().filter_map(|(n, p)| p.map(|p| (n, p))).collect::<Vec<_>>();
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (count, mut all) = (known.len(), p_values.to_vec());
    match correction {
        Correction::None => {}
        Correction::Holm => {
            let mut most = 0.0f64;
            for (rank, (n, p)) in known.into_iter().enumerate() {
                most = most.max((p * (count - rank) as f64).min(1.0));
                all[n] = Some(most);
            }
        }
        Correction::BenjaminiHochberg => {
            let mut least = 1.0f64;
            for (rank, (n, p)) in known.into_iter().enumerate().rev() {
                least = least.min(p * count as f64 / (rank + 1) as f64);
                all[n] = Some(least);
            }
        }
    }
    all
}

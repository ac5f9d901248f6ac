//! A total over the variants: whose replicas come first, whose go first.

use crate::snapshot::ObjectSnapshot;

/// Takes replicas away until `total` is left, from the variants that are last in the spec first.
pub fn lower_to(replicas: &[u32], total: u32) -> Vec<u32> {
    let mut result = replicas.to_vec();
    let mut excess = result.iter().sum::<u32>().saturating_sub(total);
    for n in result.iter_mut().rev() {
        let take = excess.min(*n);
        *n -= take;
        excess -= take;
    }
    result
}

/// Adds replicas until there are `total`, to the variant that has the most first, within the variants' maxima.
pub fn raise_to(object: &ObjectSnapshot, replicas: &[u32], total: u32) -> Vec<u32> {
    let mut result = replicas.to_vec();
    let mut order: Vec<usize> = (0..result.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(replicas.get(*i).copied().unwrap_or(0)));
    let mut lacking = total.saturating_sub(result.iter().sum());
    for i in order {
        let (Some(n), Some(variant)) = (result.get_mut(i), object.variants.get(i)) else {
            continue;
        };
        let room = variant.replicas.max.saturating_sub(*n).min(lacking);
        *n += room;
        lacking -= room;
    }
    result
}

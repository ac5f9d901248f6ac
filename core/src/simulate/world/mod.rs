//! One clock, many objects: requests, replicas, metrics and decisions in discrete events.
//!
//! Between two events nothing changes but engines in the middle of a run of equal steps, which are in closed form.
//! Requests that have arrived by the end are given time to finish: decisions, metrics and the bill end with the world.

mod clock;
mod desk;
mod fleet;
mod nodes;
mod object;
mod outcome;
mod record;
mod replica;
mod router;
mod setup;
#[cfg(test)]
mod tests;

pub use outcome::{Mark, Minute, ObjectOutcome, Timeline, Totals};
pub use setup::{Balancing, ObjectSetup, PoolSetup, Queue, ScrapeSetup, Spread, WorldSetup};

use self::clock::{Clock, Due, Entry};
use self::nodes::Nodes;
use self::object::Object;
use super::Moment;
use super::random::Random;

/// How long after the end requests may still finish, in seconds.
const GRACE_S: f64 = 600.0;

/// Lives through a world. The same setup gives the same outcome, by object in the order of the setup.
pub fn run(setup: WorldSetup) -> Vec<ObjectOutcome> {
    let rules = setup.rules();
    let mut clock = Clock::default();
    let mut nodes = Nodes::new(setup.pools, setup.node_start, Random::new(setup.seed, 0x40DE));
    let mut objects = Vec::with_capacity(setup.objects.len());
    for (index, object) in setup.objects.into_iter().enumerate() {
        let initial = object.initial.clone();
        let mut object = Object::new(index as u32, object, rules);
        object.settle(&initial, &mut clock, &mut nodes);
        object.begin(&mut clock);
        objects.push(object);
    }
    let last = rules.end + 1000.0 * GRACE_S;
    while let Some(entry) = clock.next() {
        let over = entry.at > rules.end;
        if entry.at > last || over && objects.iter().all(|o| o.desk.is_idle()) {
            break;
        }
        let works = matches!(
            entry.due,
            Due::Arrival | Due::Wake(_) | Due::Started(_) | Due::DrainOver(_)
        );
        if over && !works {
            continue;
        }
        happen(entry, &mut objects, &mut clock, &mut nodes);
    }
    objects.into_iter().map(Object::into_outcome).collect()
}

fn happen(entry: Entry, objects: &mut [Object], clock: &mut Clock, nodes: &mut Nodes) {
    let Some(object) = objects.get_mut(entry.object as usize) else {
        return;
    };
    let now = entry.at;
    match entry.due {
        Due::Arrival => object.arrive(now, clock),
        Due::Wake(place) => {
            if object.wake(now, place, clock) {
                object.remove(now, place, nodes);
                unblock(now, objects, clock, nodes);
            }
        }
        Due::Started(place) => object.started(now, place, clock),
        Due::DrainOver(place) => {
            object.kill(now, place, nodes);
            unblock(now, objects, clock, nodes);
        }
        Due::Reclaimed(place) => {
            object.reclaimed(now, place, clock, nodes);
            unblock(now, objects, clock, nodes);
        }
        Due::Scrape => object.scrape(now, clock),
        Due::Visible => object.see(),
        Due::Decide => {
            clock.schedule(now + 1000.0 * object.period_s(), entry.object, Due::Decide);
            let order = object.decide(now);
            object.obey(now, order, clock, nodes);
            unblock(now, objects, clock, nodes);
        }
        Due::Second => {
            object.desk.second(now);
            clock.schedule(now + 1000.0, entry.object, Due::Second);
        }
        Due::Minute => {
            object.minute(now);
            clock.schedule(
                Moment::from_millis(now.as_millis() + 60_000.0),
                entry.object,
                Due::Minute,
            );
        }
    }
}

/// Pods that waited for a node get those that have become free.
fn unblock(now: Moment, objects: &mut [Object], clock: &mut Clock, nodes: &mut Nodes) {
    while let Some((waiting, placement)) = nodes.unblock(now) {
        if let Some(object) = objects.get_mut(waiting.object as usize) {
            object.placed(now, waiting.place, placement, clock);
        }
    }
}

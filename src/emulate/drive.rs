//! Gives a [`World`] the real time, the cluster's pods and whoever scrapes. I/O: timers, sockets, messages to stderr.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use inferscale_core::simulate::Moment;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::listen::{self, PORT, Scrape, Whose};
pub use super::pods::{ANNOTATION, PodChange, watch};
pub use super::replica::PodView;
use super::summary::Summary;
use super::world::World;
use crate::config::Profiles;

/// Addresses that are taken are tried again this often.
const TICK: Duration = Duration::from_secs(1);
/// How far the play has come is told this often.
const TELL_EVERY: u32 = 10;

/// When an emulation ends by itself.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Not at all: engines answer until the process is stopped.
    pub stay: bool,
    /// So long after the last arrival requests may still run.
    pub drain: Duration,
}

/// Plays `world` until it is over or `shutdown` completes, and says what became of it. `changes` tells about pods,
/// `router` is the listener of the router's own metrics.
pub async fn drive(
    world: World,
    profiles: Profiles,
    mut changes: mpsc::Receiver<PodChange>,
    router: TcpListener,
    shutdown: impl Future<Output = ()>,
    end: End,
) -> Summary {
    let (scrape, mut scrapes) = mpsc::channel(64);
    let stop = CancellationToken::new();
    listen::serve(router, Whose::Router, scrape.clone(), stop.clone());
    let mut driver = Driver {
        world,
        profiles,
        clock: Instant::now(),
        scrape,
        stop,
        servers: HashMap::new(),
        refused: HashSet::new(),
        played: None,
        begun: false,
    };
    let mut shutdown = pin!(shutdown);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticks = 0;
    loop {
        let next = driver.next_event();
        tokio::select! {
            () = &mut shutdown => break,
            change = changes.recv() => match change {
                Some(change) => driver.apply(change).await,
                None => break,
            },
            Some(scrape) = scrapes.recv() => driver.answer(scrape),
            () = sleep_until(next) => driver.world.advance(driver.now()),
            _ = tick.tick() => {
                driver.listen_to_all().await;
                ticks += 1;
                if ticks % TELL_EVERY == 0 {
                    driver.tell_progress();
                }
            }
        }
        driver.tell_beginning();
        if driver.is_over(end) {
            break;
        }
    }
    driver.stop.cancel();
    let now = driver.now();
    driver.world.summary(now)
}

struct Driver {
    world: World,
    profiles: Profiles,
    clock: Instant,
    scrape: mpsc::Sender<Scrape>,
    stop: CancellationToken,
    /// What stops the server of a pod, by the pod's uid.
    servers: HashMap<String, CancellationToken>,
    /// Pods of which it was said that they cannot be emulated: said once, by uid.
    refused: HashSet<String>,
    /// When the traces were over.
    played: Option<Instant>,
    begun: bool,
}

impl Driver {
    fn now(&self) -> Moment {
        Moment::from_millis(self.clock.elapsed().as_secs_f64() * 1000.0)
    }

    /// When to look again: at the next event of the world, in an hour when there is none.
    fn next_event(&self) -> Instant {
        let far = Duration::from_secs(3600);
        let next = self.world.next_event().map(|at| at.as_secs().max(0.0));
        self.clock
            + next
                .and_then(|s| Duration::try_from_secs_f64(s).ok())
                .unwrap_or(self.clock.elapsed() + far)
    }

    async fn apply(&mut self, change: PodChange) {
        match change {
            PodChange::Seen(pod) => self.see(pod).await,
            PodChange::Gone(uid) => self.lose(&uid),
            PodChange::Listed(all) => {
                let gone = self.world.pods().filter(|pod| !all.contains(&pod.uid));
                for uid in gone.map(|pod| pod.uid.clone()).collect::<Vec<_>>() {
                    self.lose(&uid);
                }
            }
        }
    }

    async fn see(&mut self, pod: PodView) {
        let (now, uid) = (self.now(), pod.uid.clone());
        if self.world.knows(&uid) {
            self.world.update_pod(now, pod);
        } else {
            match self.profiles.get(&pod.emulate) {
                Ok(profile) => self.world.add_pod(now, pod, profile),
                Err(error) => {
                    let named = format!("{}/{}", pod.namespace, pod.name);
                    self.refuse(&uid, &format!("pod {named}, annotation {ANNOTATION}: {error}"));
                    return;
                }
            }
        }
        self.listen_to_all().await;
    }

    fn lose(&mut self, uid: &str) {
        let name = self
            .world
            .pods()
            .find(|pod| pod.uid == uid)
            .map(|pod| format!("{}/{}", pod.namespace, pod.name));
        if let Some(server) = self.servers.remove(uid) {
            server.cancel();
        }
        self.refused.remove(uid);
        let cut = self.world.remove_pod(self.now(), uid);
        if let Some(name) = name {
            self.say(&match cut {
                0 => format!("pod {name} is gone"),
                n => format!("pod {name} is gone, {n} requests were cut off"),
            });
        }
    }

    /// Takes the address of every ready pod that has none answered yet.
    async fn listen_to_all(&mut self) {
        let wanted = |pod: &&PodView| pod.ready && !self.servers.contains_key(&pod.uid);
        let pods: Vec<_> = self.world.pods().filter(wanted).cloned().collect();
        for pod in pods {
            let Some(address) = pod.address.map(|ip| SocketAddr::new(ip, PORT)) else {
                continue;
            };
            let name = format!("{}/{}", pod.namespace, pod.name);
            match listen::bind(&name, address).await {
                Ok(listener) => {
                    let stop = self.stop.child_token();
                    listen::serve(listener, Whose::Pod(pod.uid.clone()), self.scrape.clone(), stop.clone());
                    self.say(&format!("pod {name} serves as {} on {address}", pod.emulate));
                    self.servers.insert(pod.uid.clone(), stop);
                    self.refused.remove(&pod.uid);
                    self.world.set_listening(self.now(), &pod.uid);
                }
                Err(error) => {
                    self.refuse(&pod.uid, &error.message);
                    if !error.passing {
                        // Never again: its address will not become one of this machine.
                        self.servers.insert(pod.uid.clone(), self.stop.child_token());
                    }
                }
            }
        }
    }

    /// Says once for each pod why it cannot be emulated.
    fn refuse(&mut self, uid: &str, message: &str) {
        if self.refused.insert(uid.to_owned()) {
            self.say(message);
        }
    }

    fn answer(&mut self, scrape: Scrape) {
        let now = self.now();
        let page = match &scrape.whose {
            Whose::Router => Some(self.world.router_page(now)),
            Whose::Pod(uid) => self.world.engine_page(now, uid),
        };
        // Whoever asked may have gone; that is his own affair.
        let _ = scrape.reply.send(page);
    }

    fn is_over(&mut self, end: End) -> bool {
        if end.stay || !self.world.is_played() {
            return false;
        }
        let since = *self.played.get_or_insert_with(Instant::now);
        self.world.is_over() || since.elapsed() >= end.drain
    }

    fn tell_beginning(&mut self) {
        if !self.begun && self.world.has_started() {
            self.begun = true;
            self.say("every load has a ready pod: the traces begin");
        }
    }

    fn tell_progress(&self) {
        for (name, progress, queued, running, ready) in self.world.state() {
            let done = progress * 100.0;
            self.say(&format!(
                "{name}: {done:.0} % played, {running} requests in {ready} pods, {queued} wait for one"
            ));
        }
    }

    fn say(&self, message: &str) {
        eprintln!("emulate {:6.1} s: {message}", self.clock.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;

//! A run with scripted faults, by seed (design §10.3). Each seed makes a world: a source with a few
//! streams, one or two destinations, a store. Runs are driven through [`crossdock_engine::run::Run`],
//! the very code of the pump, one random step at a time, and broken at random: some records are refused, the engine dies, a
//! destination dies with its buffer, did the work and says no, the source fails, a commit is cut
//! in the middle, somebody cancels. Runs are repeated until one goes well. All along, the promises
//! are checked: P1, P2, P3 at every commit, P4 and P5 on what the destinations hold, P6 at the end.

mod destination;
mod random;
mod world;

use std::time::Instant;

use world::World;

/// Seeds per test run; `CROSSDOCK_SIM_SEEDS` overrides it, `CROSSDOCK_SIM_FROM` sets the first.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

#[test]
fn the_promises_hold_in_every_seed() {
    let from = setting("CROSSDOCK_SIM_FROM", 1);
    let seeds = setting("CROSSDOCK_SIM_SEEDS", 10_000);
    let began = Instant::now();
    let mut runs = 0;
    let mut faults = 0;
    for seed in from..from + seeds {
        let mut world = World::new(seed);
        if let Err(broken) = world.until_success() {
            panic!("seed {seed}: {broken}\nagain: CROSSDOCK_SIM_FROM={seed} CROSSDOCK_SIM_SEEDS=1");
        }
        runs += world.runs;
        faults += world.faults;
    }
    let rate = seeds as f64 / began.elapsed().as_secs_f64();
    println!("simulation: {seeds} seeds, {runs} runs, {faults} faults, {rate:.0} seeds/s");
    assert!(faults > seeds, "a simulation without faults proves nothing");
}

/// The simulation must be able to fail: a store that commits too early, and a destination that
/// acknowledges before it is durable, are both found.
#[test]
fn broken_doubles_are_found() {
    for sabotage in [
        world::Sabotage::EarlyAck,
        world::Sabotage::LostCommit,
        world::Sabotage::ToldEarly,
        world::Sabotage::LostLetters,
    ] {
        let found = (1..2000).any(|seed| {
            let mut world = World::new(seed);
            world.sabotage = Some(sabotage);
            world.until_success().is_err()
        });
        assert!(found, "{sabotage:?} was not noticed");
    }
}

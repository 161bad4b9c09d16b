//! The demo's world: card transactions, some of them fraud, and fraudsters who change their ways.
//!
//! A [`Stream`] is a pure function of its seed: [`Stream::day`] makes the transactions of one day
//! without the days before it. Two patterns of fraud exist:
//!
//! - *stolen cards*, from the first day: a few purchases far from home, several times the usual
//!   amount. On [`Stream::change_day`] they become rare.
//! - *card testing*, from the change day on: bursts of small online payments within the hour, which
//!   a model that has only seen stolen cards takes for harmless.
//!
//! On the same day honest customers begin to pay with their phones (more `contactless`, slightly
//! smaller amounts), so the inputs drift visibly a week before the first label of the new fraud.

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const N_CUSTOMERS: u64 = 400;
const N_TERMINALS: u64 = 600;
/// The side of the square on which people live and shops stand.
const REGION_KM: f64 = 60.0;
const SECONDS_A_DAY: u32 = 86_400;

const CATEGORIES: [&str; 7] = [
    "grocery",
    "fuel",
    "restaurant",
    "electronics",
    "travel",
    "gift_cards",
    "services",
];

/// One card payment, as the authorisation system sees it, and whether it was fraud.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transaction {
    /// Unique: `t<day>-<number>`.
    pub(crate) id: String,
    /// Who owns the card.
    pub(crate) customer: u64,
    /// Where it was used.
    pub(crate) terminal: u64,
    /// The day, counted from 0.
    pub(crate) day: u32,
    /// Seconds since midnight.
    pub(crate) second: u32,
    /// In euro.
    pub(crate) amount: f64,
    /// The customer's usual amount in euro.
    pub(crate) usual_amount: f64,
    /// `pos`, `contactless` or `online`.
    pub(crate) channel: &'static str,
    /// What the terminal sells.
    pub(crate) category: &'static str,
    /// From the customer's home to the terminal; 0 online.
    pub(crate) distance_km: f64,
    /// How many payments the card made in the hour before.
    pub(crate) n_last_hour: i64,
    /// Known only a week later.
    pub(crate) is_fraud: bool,
}

/// A seeded world of customers, terminals and fraudsters.
pub(crate) struct Stream {
    seed: u64,
    change_day: u32,
    customers: Vec<Customer>,
    terminals: Vec<Terminal>,
}

struct Customer {
    home: (f64, f64),
    usual_amount: f64,
    payments_a_day: f64,
}

struct Terminal {
    place: (f64, f64),
    category: &'static str,
}

impl Stream {
    /// The world of a seed, in which fraud changes on `change_day`.
    pub(crate) fn new(seed: u64, change_day: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let customers = (0..N_CUSTOMERS).map(|_| Customer::new(&mut rng)).collect();
        let terminals = (0..N_TERMINALS).map(|_| Terminal::new(&mut rng)).collect();
        Self {
            seed,
            change_day,
            customers,
            terminals,
        }
    }

    /// All transactions of one day, in order of time.
    pub(crate) fn day(&self, day: u32) -> Vec<Transaction> {
        let mut rng = ChaCha8Rng::seed_from_u64(
            self.seed
                .wrapping_mul(0x9E37_79B9)
                .wrapping_add(u64::from(day) + 1),
        );
        let mut transactions = Vec::new();
        for index in 0..self.customers.len() {
            self.honest_payments(index, day, &mut rng, &mut transactions);
        }
        let has_changed = day >= self.change_day;
        let (n_stolen, n_tested) = if has_changed { (1, 5) } else { (6, 0) };
        for _ in 0..n_stolen {
            self.stolen_card(day, &mut rng, &mut transactions);
        }
        for _ in 0..n_tested {
            self.card_testing(day, &mut rng, &mut transactions);
        }
        transactions.sort_by_key(|transaction| (transaction.second, transaction.customer));
        for (number, transaction) in transactions.iter_mut().enumerate() {
            transaction.id = format!("t{day:03}-{number:05}");
        }
        count_last_hour(&mut transactions);
        transactions
    }

    fn honest_payments(
        &self,
        index: usize,
        day: u32,
        rng: &mut impl Rng,
        out: &mut Vec<Transaction>,
    ) {
        let customer = &self.customers[index];
        let is_late = day >= self.change_day;
        for _ in 0..poisson(customer.payments_a_day, rng) {
            let second = day_time(rng);
            let channel = match rng.random::<f64>() {
                share if share < 0.25 => "online",
                share if share < if is_late { 0.70 } else { 0.45 } => "contactless",
                _ => "pos",
            };
            let spread = 0.5 * normal(rng);
            let level = if is_late { 0.9 } else { 1.0 };
            let amount = customer.usual_amount * level * spread.exp();
            let terminal = if channel == "online" {
                self.any_terminal(rng)
            } else {
                self.near_terminal(customer, rng)
            };
            out.push(self.transaction(index, terminal, day, second, amount, channel, false));
        }
    }

    fn stolen_card(&self, day: u32, rng: &mut impl Rng, out: &mut Vec<Transaction>) {
        let victim = rng.random_range(0..self.customers.len());
        let usual = self.customers[victim].usual_amount;
        for _ in 0..rng.random_range(2..5) {
            let second = rng.random_range(0..SECONDS_A_DAY);
            let amount = usual * rng.random_range(1.8..6.0);
            let channel = if rng.random::<f64>() < 0.8 {
                "pos"
            } else {
                "online"
            };
            let terminal = self.any_terminal(rng);
            out.push(self.transaction(victim, terminal, day, second, amount, channel, true));
        }
    }

    fn card_testing(&self, day: u32, rng: &mut impl Rng, out: &mut Vec<Transaction>) {
        let victim = rng.random_range(0..self.customers.len());
        let start = rng.random_range(7 * 3600..22 * 3600);
        for _ in 0..rng.random_range(4..9) {
            let second = start + rng.random_range(0..3000);
            let amount = rng.random_range(2.0..18.0);
            let terminal = self.terminal_of(&["gift_cards", "services"], rng);
            out.push(self.transaction(victim, terminal, day, second, amount, "online", true));
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one column of the row that is built here and nowhere else"
    )]
    fn transaction(
        &self,
        customer: usize,
        terminal: usize,
        day: u32,
        second: u32,
        amount: f64,
        channel: &'static str,
        is_fraud: bool,
    ) -> Transaction {
        let (owner, place) = (&self.customers[customer], &self.terminals[terminal]);
        let distance_km = if channel == "online" {
            0.0
        } else {
            distance(owner.home, place.place)
        };
        Transaction {
            id: String::new(),
            customer: customer as u64,
            terminal: terminal as u64,
            day,
            second,
            amount: cents(amount),
            usual_amount: cents(owner.usual_amount),
            channel,
            category: place.category,
            distance_km: (distance_km * 10.0).round() / 10.0,
            n_last_hour: 0,
            is_fraud,
        }
    }

    fn any_terminal(&self, rng: &mut impl Rng) -> usize {
        rng.random_range(0..self.terminals.len())
    }

    /// The nearest of a few: people mostly shop around the corner.
    fn near_terminal(&self, customer: &Customer, rng: &mut impl Rng) -> usize {
        let candidates: Vec<usize> = (0..12).map(|_| self.any_terminal(rng)).collect();
        let far = |index: &usize| distance(customer.home, self.terminals[*index].place);
        candidates
            .into_iter()
            .min_by(|left, right| far(left).total_cmp(&far(right)))
            .unwrap_or(0)
    }

    fn terminal_of(&self, categories: &[&str], rng: &mut impl Rng) -> usize {
        let start = self.any_terminal(rng);
        let n_terminals = self.terminals.len();
        (0..n_terminals)
            .map(|step| (start + step) % n_terminals)
            .find(|index| categories.contains(&self.terminals[*index].category))
            .unwrap_or(start)
    }
}

impl Customer {
    fn new(rng: &mut impl Rng) -> Self {
        Self {
            home: (
                rng.random_range(0.0..REGION_KM),
                rng.random_range(0.0..REGION_KM),
            ),
            usual_amount: 35.0 * (0.45 * normal(rng)).exp(),
            payments_a_day: rng.random_range(0.5..4.0),
        }
    }
}

impl Terminal {
    fn new(rng: &mut impl Rng) -> Self {
        Self {
            place: (
                rng.random_range(0.0..REGION_KM),
                rng.random_range(0.0..REGION_KM),
            ),
            category: CATEGORIES[rng.random_range(0..CATEGORIES.len())],
        }
    }
}

/// Fills `n_last_hour` of transactions that are in order of time.
fn count_last_hour(transactions: &mut [Transaction]) {
    for index in 0..transactions.len() {
        let (customer, second) = (transactions[index].customer, transactions[index].second);
        let n_before = transactions[..index]
            .iter()
            .rev()
            .take_while(|earlier| earlier.second + 3600 >= second)
            .filter(|earlier| earlier.customer == customer)
            .count();
        transactions[index].n_last_hour = n_before as i64;
    }
}

fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    (from.0 - to.0).hypot(from.1 - to.1)
}

fn cents(amount: f64) -> f64 {
    (amount.max(0.5) * 100.0).round() / 100.0
}

/// Most payments happen by day: the sum of two uniform times between 7:00 and 23:00.
fn day_time(rng: &mut impl Rng) -> u32 {
    let hours = 7.0 + 8.0 * (rng.random::<f64>() + rng.random::<f64>());
    (hours * 3600.0) as u32
}

/// A standard normal draw (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A Poisson draw by multiplication (Knuth 1969); for small means.
fn poisson(mean: f64, rng: &mut impl Rng) -> u32 {
    let limit = (-mean).exp();
    let mut product = rng.random::<f64>();
    let mut count = 0;
    while product > limit {
        product *= rng.random::<f64>();
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Stream {
        Stream::new(1, 30)
    }

    #[test]
    fn a_day_is_a_function_of_the_seed() {
        assert_eq!(stream().day(3), stream().day(3));
        assert_ne!(stream().day(3), stream().day(4));
        assert_ne!(stream().day(3), Stream::new(2, 30).day(3));
    }

    #[test]
    fn rows_are_in_order_and_ids_are_unique() {
        let day = stream().day(31);
        assert!(day.len() > 500, "{}", day.len());
        assert!(day.is_sorted_by_key(|row| row.second));
        let ids: std::collections::BTreeSet<_> = day.iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), day.len());
        assert!(
            day.iter()
                .all(|row| row.second < SECONDS_A_DAY && row.amount > 0.0)
        );
    }

    #[test]
    fn fraud_is_rare_and_changes_its_ways() {
        let share = |day: u32, see: &dyn Fn(&Transaction) -> bool| {
            let rows: Vec<_> = stream()
                .day(day)
                .into_iter()
                .filter(|row| row.is_fraud)
                .collect();
            rows.iter().filter(|row| see(row)).count() as f64 / rows.len() as f64
        };
        let small_online = |row: &Transaction| row.channel == "online" && row.amount < 20.0;
        assert!(share(10, &small_online) < 0.2);
        assert!(share(31, &small_online) > 0.7);
        let day = stream().day(31);
        let n_fraud = day.iter().filter(|row| row.is_fraud).count() as f64;
        assert!((0.005..0.06).contains(&(n_fraud / day.len() as f64)));
    }

    #[test]
    fn bursts_show_in_the_last_hour() {
        let day = stream().day(31);
        let most = |fraud: bool| {
            day.iter()
                .filter(|row| row.is_fraud == fraud)
                .map(|row| row.n_last_hour)
                .max()
        };
        assert!(most(true) > Some(3));
    }
}

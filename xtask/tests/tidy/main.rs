//! Tidy tests: the house keeps its rules.

#[cfg(test)]
mod budget;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod features;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod source;

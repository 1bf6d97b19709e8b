/** What a `narwhal.yml` may take at most, so that a hostile one costs little and harms nobody. */
export const limits = {
  bytes: 1024 * 1024,
  /** Lists, mappings and values, as written and again with every alias replaced by its target. */
  nodes: 50_000,
  /** Words, signs, blanks and line ends, comments included. */
  lexemes: 250_000,
  depth: 50,
  aliases: 100,
  /** Characters of all values, with aliases replaced and the file's `env` given to every job. */
  characters: 4 * 1024 * 1024,
  /** Files that are included, and how deep. */
  includes: 20,
  includeDepth: 5,
  jobs: 500,
  stepsPerJob: 200,
  /** Problems that are told one by one. */
  problems: 50,
} as const

/** Limits that keep a hostile `narwhal.yml` cheap and harmless. */
export const limits = {
  bytes: 1024 * 1024,
  /** Lists, mappings and values; checked as written, and again with every alias expanded. */
  nodes: 50_000,
  /** Words, signs, white space and line ends, comments included. */
  lexemes: 250_000,
  depth: 50,
  aliases: 100,
  /** Characters of all values, with aliases expanded and the file's `env` copied to every job. */
  characters: 4 * 1024 * 1024,
  /** Included files, and how deep they may be nested. */
  includes: 20,
  includeDepth: 5,
  jobs: 500,
  stepsPerJob: 200,
  /** Problems that are listed individually. */
  problems: 50,
} as const

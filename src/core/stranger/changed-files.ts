import { withHiddenShown } from '../../lib/hostile-text.ts'

/**
 * The files that a commit changes, as shown to its approver. Pipeline files come first; what doesn't fit is
 * only counted.
 */
export interface ChangedFiles {
  /** The pipeline file, and what it includes from its own repository; at least one if any is changed. */
  readonly pipeline: readonly string[]
  readonly others: readonly string[]
  /** The total number of both. */
  readonly total: number
}

/** Bounded, as every update of a pipeline contains them. */
const MOST_PATHS = 50
const MOST_CHARACTERS = 4_000
const LONGEST_PATH = 300

/** `saying`: the files that define what is run. */
export function changedFiles(paths: readonly string[], saying: ReadonlySet<string>): ChangedFiles {
  const { pipeline = [], others = [] } = Object.groupBy(paths, (path) =>
    saying.has(path) ? 'pipeline' : 'others',
  )
  return boundedFiles({ pipeline, others, total: paths.length })
}

/** As many of them as are shown; if a pipeline file is changed, at least one is among them. */
export function boundedFiles({ pipeline, others, total }: ChangedFiles): ChangedFiles {
  let room = MOST_CHARACTERS
  let places = MOST_PATHS
  const take = (paths: readonly string[]): string[] => {
    const taken: string[] = []
    for (const path of paths) {
      const shown = cut(path)
      room -= shown.length
      if (places-- <= 0 || room < 0) break
      taken.push(shown)
    }
    return taken
  }
  const first = take(pipeline)
  const rest = take(others)
  return { pipeline: first, others: rest, total: Math.max(total, first.length + rest.length) }
}

/** With hidden and reordering characters made visible: no name can pass for another. */
export function readableFiles({ pipeline, others, total }: ChangedFiles): ChangedFiles {
  const shown = { pipeline: pipeline.map(withHiddenShown), others: others.map(withHiddenShown) }
  return boundedFiles({ ...shown, total })
}

function cut(path: string): string {
  if (path.length <= LONGEST_PATH) return path.toWellFormed()
  return `${path.slice(0, LONGEST_PATH - 1)}…`.toWellFormed()
}

import { withHiddenShown } from '../../lib/hostile-text.ts'

/**
 * Which files a commit changes, as far as they are shown to whoever is to approve it. Those that say
 * what is run come first; what is too much to be shown is only counted.
 */
export interface ChangedFiles {
  /** The pipeline's file, and what it includes from its own repository; some of them, if it changes any. */
  readonly pipeline: readonly string[]
  /** Some of the others. */
  readonly others: readonly string[]
  /** How many there are of both. */
  readonly total: number
}

/** A pipeline is told of again and again with all that is in it. */
const MOST_PATHS = 50
const MOST_CHARACTERS = 4_000
const LONGEST_PATH = 300

/** The paths that differ, and which files say what is run. */
export function changedFiles(paths: readonly string[], saying: ReadonlySet<string>): ChangedFiles {
  const { pipeline = [], others = [] } = Object.groupBy(paths, (path) =>
    saying.has(path) ? 'pipeline' : 'others',
  )
  return boundedFiles({ pipeline, others, total: paths.length })
}

/** As many of them as are shown. That it changes a file of the pipeline is always among that. */
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

/** The same as people read them: no name can look like another one, or hide a part of itself. */
export function readableFiles({ pipeline, others, total }: ChangedFiles): ChangedFiles {
  const shown = { pipeline: pipeline.map(withHiddenShown), others: others.map(withHiddenShown) }
  return boundedFiles({ ...shown, total })
}

function cut(path: string): string {
  if (path.length <= LONGEST_PATH) return path.toWellFormed()
  return `${path.slice(0, LONGEST_PATH - 1)}…`.toWellFormed()
}

import type { Evidence, FinalAttempt, FinalLine, JobScript } from '../evidence.ts'
import type { Breach } from './breach.ts'

export interface LogFigures {
  readonly lines: number
  readonly unmarkedHoles: number
  readonly markedHoles: number
  readonly repeated: number
  /** Lines that this step can't have printed. */
  readonly foreign: number
}

/** A line of Narwhal's own by which a log says that something of it is missing. */
const MARKER = /lines? .*(?:missing|lost)|(?:missing|lost) .*lines?|cut off/i

/** Attempts that ended so have printed all their lines. */
const COMPLETE = ['success', 'failure']

/**
 * The stored log of an attempt is what its steps printed: whole if they came to their end, else a
 * prefix; where anything is missing in between, a line says so.
 */
export function checkLogs({ commits, pipelines }: Pick<Evidence, 'commits' | 'pipelines'>): {
  figures: LogFigures
  breaches: Breach[]
} {
  const scripts = new Map(commits.map(({ sha, jobs }) => [sha, jobs]))
  const breaches: Breach[] = []
  const figures = { lines: 0, unmarkedHoles: 0, markedHoles: 0, repeated: 0, foreign: 0 }
  for (const { sha, jobs } of pipelines) {
    for (const job of jobs) {
      const script = scripts.get(sha)?.find(({ name }) => name === job.name)
      if (!script) continue
      for (const attempt of job.attempts) {
        const found = compareLog(script, attempt)
        for (const [name, count] of Object.entries(found.figures)) {
          figures[name as keyof LogFigures] += count
        }
        const where = `attempt ${attempt.number} of ${job.id}`
        breaches.push(
          ...found.wrong.map((what): Breach => ({ promise: 'logs', what: `${where}, ${what}` })),
        )
      }
    }
  }
  return { figures, breaches }
}

function compareLog(
  script: JobScript,
  { log, outcome }: FinalAttempt,
): { figures: LogFigures; wrong: string[] } {
  const isComplete = outcome !== undefined && COMPLETE.includes(outcome)
  const parts = script.steps.map((step, index) => {
    const lines = log.filter((line) => line.step === index)
    return compareStep(step.lines, lines, { isComplete, where: `step ${index}` })
  })
  const sum = (name: keyof LogFigures) => parts.reduce((all, { figures }) => all + figures[name], 0)
  return {
    figures: {
      lines: sum('lines'),
      unmarkedHoles: sum('unmarkedHoles'),
      markedHoles: sum('markedHoles'),
      repeated: sum('repeated'),
      foreign: sum('foreign'),
    },
    wrong: parts.flatMap(({ wrong }) => wrong),
  }
}

function compareStep(
  expected: readonly string[],
  lines: readonly FinalLine[],
  { isComplete, where }: { isComplete: boolean; where: string },
): { figures: LogFigures; wrong: string[] } {
  const wrong: string[] = []
  let [next, unmarkedHoles, markedHoles, repeated, foreign] = [0, 0, 0, 0, 0]
  let isMarked = false
  const reach = (seq: number): void => {
    if (seq <= next) return
    if (isMarked) markedHoles += 1
    else {
      unmarkedHoles += 1
      wrong.push(`${where}: the lines ${next} to ${seq - 1} are missing without a word`)
    }
  }
  for (const { stream, text } of lines) {
    if (stream === 'narwhal') {
      isMarked ||= MARKER.test(text)
      continue
    }
    const seq = Number.parseInt(text, 10)
    if (expected[seq] !== text) {
      foreign += 1
      wrong.push(`${where}: ${JSON.stringify(text.slice(0, 80))} is not of this step`)
    } else if (seq < next) {
      repeated += 1
      wrong.push(`${where}: line ${seq} stands there again`)
    } else {
      reach(seq)
      next = seq + 1
      isMarked = false
    }
  }
  if (isComplete) reach(expected.length)
  return {
    figures: { lines: lines.length, unmarkedHoles, markedHoles, repeated, foreign },
    wrong,
  }
}

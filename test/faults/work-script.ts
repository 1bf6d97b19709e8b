import { crc32 } from 'node:zlib'
import type { Files } from '../support/git-repository.ts'
import type { JobScript, StepScript } from './evidence.ts'
import type { LoadShape } from './options.ts'
import type { SeededRandom } from './seeded-random.ts'

const MOST_JOBS = 4
const SECONDS = [1, 6] as const
const BEATS_PER_S = 10
const TWO_STEPS = 0.3
const MOST_LINES = 5
const FAILING = 0.08
const QUIET = 0.3

/**
 * What a step runs: it prints the lines of its file, and at each line `beat` it writes one to the
 * witness's folder and waits 100 ms. Shell builtins only, but for `sleep`. What is written in one go
 * arrives whole.
 */
const WORK = `
own="$WITNESS/$NARWHAL_JOB_ID.$NARWHAL_ATTEMPT.$2.$$"
note() {
  read -r now _ </proc/uptime
  printf '%s %s %s\\n' "$1" "$now" "$2" >>"$own"
}
note begin "$NARWHAL_RUNNER"
while IFS= read -r line <&3; do
  if [ "$line" = beat ]; then
    note beat -
    sleep 0.1
  else
    printf '%s\\n' "$line"
  fi
done 3<"$1"
note end -
exit "$3"
`

/** Between one and four jobs, unless told otherwise, some of which need others, each a few seconds long. */
export function makeJobs(
  random: SeededRandom,
  title: string,
  shape: Partial<LoadShape> = {},
): JobScript[] {
  const { mostJobs = MOST_JOBS, jobSeconds = SECONDS, twoSteps = TWO_STEPS } = shape
  const count = random.integer(1, mostJobs)
  return Array.from({ length: count }, (_, index) => {
    const name = `job-${index}`
    const needed = Array.from({ length: index }, (_, earlier) => `job-${earlier}`)
    const beats = Math.round(random.between(...jobSeconds) * BEATS_PER_S)
    const parts = random.chance(twoSteps) ? 2 : 1
    const steps = Array.from({ length: parts }, (_, part) =>
      makeStep(random, { title: `${title} ${name}`, part, beats: Math.ceil(beats / parts) }, shape),
    )
    return {
      name,
      needs: needed.filter(() => random.chance(0.3)),
      steps,
      exitCode: random.chance(FAILING) ? 3 : 0,
    }
  })
}

/** Most print all the time; some say nothing in between, so that no broken pipe can end them. */
function makeStep(
  random: SeededRandom,
  { title, part, beats }: { title: string; part: number; beats: number },
  { quiet = QUIET, mostLines = MOST_LINES }: Partial<LoadShape>,
): StepScript {
  const isQuiet = random.chance(quiet)
  const perBeat = random.integer(Math.min(1, mostLines), mostLines)
  const counts = Array.from({ length: beats }, (_, beat) =>
    isQuiet && beat > 0 && beat < beats - 1 ? 0 : perBeat,
  )
  const total = counts.reduce((sum, count) => sum + count, 0)
  const lines = Array.from({ length: total }, (_, seq) => {
    const word = random.integer(0, 2 ** 31).toString(36)
    return makeLine(seq, `${title} ${part} ${word.repeat(random.integer(1, 12))}`)
  })
  return { name: `step-${part}`, lines, linesBeforeBeats: counts }
}

/** `seq<TAB>crc32<TAB>payload` */
export function makeLine(seq: number, payload: string): string {
  return `${seq}\t${crc32(payload).toString(16)}\t${payload}`
}

/** The files of a commit whose `narwhal.yml` runs these jobs. */
export function filesOf(jobs: readonly JobScript[], witnessFolder: string): Files {
  const entries = jobs.map((job) => {
    const steps = job.steps.map((step, index) => {
      const exitCode = index === job.steps.length - 1 ? job.exitCode : 0
      const command = `sh ./work.sh ${linesFile(job, index)} ${index} ${exitCode}`
      return { name: step.name, command }
    })
    return [job.name, { needs: job.needs, env: { WITNESS: witnessFolder }, steps }] as const
  })
  const lines = jobs.flatMap((job) =>
    job.steps.map((step, index) => [linesFile(job, index), playOf(step)] as const),
  )
  return {
    'narwhal.yml': JSON.stringify({ jobs: Object.fromEntries(entries) }, undefined, 1),
    'work.sh': WORK,
    ...Object.fromEntries(lines),
  }
}

/** The lines with the beats in between, as the script reads them. */
function playOf({ lines, linesBeforeBeats }: StepScript): string {
  let printed = 0
  const play = linesBeforeBeats.flatMap((count) => {
    const part = lines.slice(printed, printed + count)
    printed += count
    return [...part, 'beat']
  })
  return play.map((line) => `${line}\n`).join('')
}

function linesFile(job: JobScript, step: number): string {
  return `lines/${job.name}-${step}.txt`
}

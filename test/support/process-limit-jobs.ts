import { bubblewrapJobs, runIn, startIn } from './bubblewrap-jobs.ts'

/** A program: two jobs at once, with a limit of 48 processes each. Prints what became of them, as JSON. */

const LIMIT = 48
const sleepers = (count: number) =>
  `i=0; while [ $i -lt ${count} ]; do sleep 600 & i=$((i+1)); done; echo ready`

await using jobs = await bubblewrapJobs()
await using many = await jobs.open({ processes: LIMIT })
await using few = await jobs.open({ processes: LIMIT })
await using _sleeping = await startIn(many, `${sleepers(LIMIT - 10)}; wait`)
const besides = await runIn(few, `${sleepers(LIMIT - 10)}`)
const tooMany = await runIn(few, `${sleepers(LIMIT + 10)}`)
process.stdout.write(`${JSON.stringify({ besides, tooMany, warnings: jobs.warnings })}\n`)

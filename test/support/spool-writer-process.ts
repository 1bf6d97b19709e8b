import { FACTS, logOf, openSpools } from './spool.ts'

/** Writes to the spool in the folder of its argument, as fast as possible, until it is killed. */
const [, , folder = ''] = process.argv
const spools = await openSpools(folder, { attemptBytes: 2 ** 30 })
const spool = spools.create(FACTS, () => {})
spool.append({ type: 'started', instanceId: FACTS.instanceId })
spool.append({ type: 'step_started', step: 0 })
for (let index = 0; ; index++) {
  spool.append(logOf(index * 100, 100, 64 * 1024))
  await spool.room()
}

import { suggestKey } from '../../lib/suggest-key.ts'
import type { Issue } from '../issues.ts'
import { quote } from '../words.ts'
import { needNames } from './needs.ts'
import type { NeededOutput } from './planning.ts'
import type { NamedJob } from './use-template.ts'

/** References to outputs of jobs that are not needed, don't declare them, or have a matrix. */
export function checkOutputs(needed: readonly NeededOutput[], named: readonly NamedJob[]): Issue[] {
  return needed.flatMap(({ need, output, job: jobPath, path }): Issue[] => {
    const own = named.find((one) => one.path.join() === jobPath.join())
    const fail = (message: string): Issue[] => [{ path, message, at: 'value' }]
    if (!own || !needNames(own.job).includes(need)) {
      return fail(`refers to ${quote(`needs.${need}`)}, but this job does not need ${quote(need)}`)
    }
    const job = named.find(({ name }) => name === need)?.job
    // A missing job has already been reported.
    if (!job) return []
    if (job.matrix) {
      return fail(
        `refers to outputs of ${quote(need)}, of which there are several: one for each combination of its matrix`,
      )
    }
    const declared = job.outputs ?? []
    if (declared.includes(output)) return []
    const meant = suggestKey(output, declared)
    const hint = meant
      ? `did you mean ${meant}?`
      : `its outputs are ${declared.join(', ') || 'none'}; list it in jobs.${need}.outputs`
    return fail(`refers to ${quote(output)}, which is not an output of job ${need}: ${hint}`)
  })
}

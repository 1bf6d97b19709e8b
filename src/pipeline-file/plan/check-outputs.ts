import { suggestKey } from '../../lib/suggest-key.ts'
import type { Issue } from '../issues.ts'
import { quote } from '../words.ts'
import { needNames } from './needs.ts'
import type { NeededOutput } from './planning.ts'
import type { NamedJob } from './use-template.ts'

/** Outputs of jobs that are not needed, have none of that name, or are several because of a matrix. */
export function checkOutputs(needed: readonly NeededOutput[], named: readonly NamedJob[]): Issue[] {
  return needed.flatMap(({ need, output, job: jobPath, path }): Issue[] => {
    const own = named.find((one) => one.path.join() === jobPath.join())
    const tell = (message: string): Issue[] => [{ path, message, at: 'value' }]
    if (!own || !needNames(own.job).includes(need)) {
      return tell(`speaks of ${quote(`needs.${need}`)}, but this job does not need ${quote(need)}`)
    }
    const job = named.find(({ name }) => name === need)?.job
    // That it is not there is told already.
    if (!job) return []
    if (job.matrix) {
      return tell(
        `speaks of outputs of ${quote(need)}, which are several: one for each combination of its matrix`,
      )
    }
    const declared = job.outputs ?? []
    if (declared.includes(output)) return []
    const meant = suggestKey(output, declared)
    const hint = meant
      ? `did you mean ${meant}?`
      : `its outputs are ${declared.join(', ') || 'none'}; list it in jobs.${need}.outputs`
    return tell(`speaks of ${quote(output)}, which job ${need} does not tell: ${hint}`)
  })
}

import { levelsOf } from '../../core/plan/levels.ts'
import type { JobSpec, PipelinePlan, StepSpec } from '../../core/plan/plan.ts'
import type { Look } from '../follow/summary.ts'
import { cleanText } from '../terminal/clean-text.ts'

/** A plan as a tree of jobs in the order in which they can start, with their steps. */
export function planLines({ name, jobs }: PipelinePlan, { colours, marks }: Look): string[] {
  const levels = levelsOf(jobs)
  const ordered = jobs.toSorted((a, b) => (levels.get(a.name) ?? 0) - (levels.get(b.name) ?? 0))
  const lines = ordered.flatMap((job) => {
    const indent = '  '.repeat(1 + (levels.get(job.name) ?? 0))
    const title = cleanText(job.name)
    if (job.leftOut !== undefined) {
      return [`${indent}${marks.other} ${colours.dim(`${title}: ${cleanText(job.leftOut)}`)}`]
    }
    const head = `${indent}${marks.started} ${colours.bold(title)}${colours.dim(about(job))}`
    return [
      head,
      ...(job.services ?? []).map(
        (service) => `${indent}    ${colours.dim(`service ${service.name} in ${service.image}`)}`,
      ),
      ...job.steps.map(
        (step) => `${indent}    ${cleanText(step.name)}${colours.dim(aboutStep(step))}`,
      ),
    ]
  })
  return [colours.bold(cleanText(name)), ...lines]
}

function about({ needs, image, network, runsOn, onlyIf }: JobSpec): string {
  const ifText = onlyIf ? ` if ${cleanText(onlyIf.text)}` : ''
  const after = needs.length > 0 ? ` after ${needs.map(cleanText).join(', ')}` : ''
  const alone = network === 'none' ? ' without a network' : ''
  return `${image ? ` in ${cleanText(image)}` : ''}${alone}${after}${condition(runsOn)}${ifText}`
}

function aboutStep({ image, background, runsOn }: StepSpec): string {
  const inBackground = background ? ' (in the background)' : ''
  return `${image ? ` in ${cleanText(image)}` : ''}${inBackground}${condition(runsOn)}`
}

function condition(runsOn: JobSpec['runsOn']): string {
  return runsOn === undefined ? '' : runsOn === 'always' ? ' (always)' : ' (on failure)'
}

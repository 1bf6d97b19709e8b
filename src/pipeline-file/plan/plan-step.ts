import type { StepSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import { commandToScript } from '../schema/command.ts'
import type { Defaults } from '../schema/file.ts'
import { durationMs } from '../schema/limits.ts'
import type { Step } from '../schema/step.ts'
import {
  fillImage,
  type Planning,
  planEnvOfNeeds,
  type StepMapping,
  type Variant,
} from './planning.ts'
import { checkNames, judge } from './when.ts'

const LONGEST_DERIVED_NAME = 60

/** The steps of a job that run for this commit. */
export function planSteps(
  steps: readonly Step[],
  variant: Variant,
  planning: Planning,
  defaults: Defaults,
): StepSpec[] {
  const used = new Set(steps.flatMap((step) => (typeof step === 'string' ? [] : (step.name ?? []))))
  return steps.flatMap((step, i): StepSpec[] => {
    const path = [...variant.path, 'steps', i]
    const mapping: StepMapping = typeof step === 'string' ? { command: step } : step
    const spec = planStep(mapping, used, { ...variant, path }, planning, defaults)
    planning.issues.push(...checkNames(mapping.when, variant.names, [...path, 'when']))
    const judgement = judge(mapping.when, { ...planning, ...variant, onlyNamed: false })
    if (!judgement.holds) return []
    return [{ ...spec, ...present({ runsOn: judgement.runsOn }) }]
  })
}

function planStep(
  step: StepMapping,
  used: Set<string>,
  variant: Variant,
  planning: Planning,
  defaults: Defaults,
): StepSpec {
  const { name, command, dependencies = [], env, timeout } = step
  const shell = step.shell ?? defaults.shell
  const workingDirectory = step.working_directory ?? defaults.working_directory
  const script = commandToScript(command)
  return {
    name: name ?? deriveName(script, used),
    command: script,
    dependencies: [...new Set(dependencies)],
    ...planEnvOfNeeds(env, variant, planning),
    ...present({
      image: step.image && fillImage(step.image, variant, planning),
      background: step.background || undefined,
      workingDirectory,
      shell: shell === 'sh' ? undefined : shell,
      timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
      retries: step.retry || undefined,
      allowFailure: step.allow_failure || undefined,
    }),
  }
}

/** The beginning of the script as one line, numbered if another step has that name. */
function deriveName(script: string, used: Set<string>): string {
  const line = script.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
  const all = Array.from(line.slice(0, 2 * LONGEST_DERIVED_NAME + 2))
  const isCut = all.length > LONGEST_DERIVED_NAME
  const short = isCut
    ? `${all
        .slice(0, LONGEST_DERIVED_NAME - 1)
        .join('')
        .trim()}…`
    : line
  const base = short || 'step'
  let name = base
  for (let i = 2; used.has(name); i++) name = `${base} (${i})`
  used.add(name)
  return name
}

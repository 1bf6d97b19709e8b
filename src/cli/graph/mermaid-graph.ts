import type { PipelinePlan } from '../../core/plan/plan.ts'

/** A plan as a Mermaid flowchart; see mermaid.js.org. */
export function mermaidGraph({ jobs }: PipelinePlan): string {
  const ids = new Map(jobs.map(({ name }, i) => [name, `job${i}`]))
  const nodes = jobs.map(({ name, leftOut }) => {
    const style = leftOut === undefined ? '' : ':::skipped'
    return `  ${ids.get(name)}["${escaped(name)}"]${style}`
  })
  const edges = jobs.flatMap(({ name, needs }) =>
    needs.map((need) => `  ${ids.get(need)} --> ${ids.get(name)}`),
  )
  return ['flowchart LR', '  classDef skipped stroke-dasharray: 4', ...nodes, ...edges, ''].join(
    '\n',
  )
}

/** Escapes everything that has a meaning in Mermaid as character codes. */
function escaped(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N} _.,()-]/gu, (sign) => `#${sign.codePointAt(0)};`)
}

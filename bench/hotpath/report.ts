import { type Spread, spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import type { PipelineTime } from './measure-pipeline.ts'
import { DETAILS, PARTS } from './parts.ts'

/** The times of one form of Narwhal, or why there are none. */
export type Form =
  | { readonly kind: 'measured'; readonly times: readonly PipelineTime[] }
  | { readonly kind: 'missing'; readonly reason: string }

/** All that was measured, in milliseconds. */
export interface HotpathTimes {
  /** Undefined where there is no engine. */
  readonly bare:
    | {
        readonly how: string
        /** With the engine's usual network, as the containers of Narwhal have it. */
        readonly withNetwork: readonly number[]
        readonly withoutNetwork: readonly number[]
      }
    | undefined
  readonly embedded: Form
  readonly distributed: Form
}

const FORMS = ['embedded', 'distributed'] as const
const COLUMNS: readonly TableColumn[] = [
  { title: 'milliseconds', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: 'p95', holds: 'figures' },
  { title: '÷ bare', holds: 'figures' },
  { title: '', holds: 'words' },
]

/** For people. */
export function hotpathTable(all: HotpathTimes): string[] {
  const { bare } = all
  if (!bare) return FORMS.map((form) => `${form}: ${missingReason(all[form])}`)
  const base = spreadOf(bare.withNetwork)
  const rows = [
    row(`bare: ${bare.how}`, base, base.p50),
    row('  the same with --network none', spreadOf(bare.withoutNetwork), base.p50),
    ...FORMS.flatMap((form) => formRows(form, all[form], base.p50)),
  ]
  return formatTable(COLUMNS, rows)
}

function missingReason(form: Form): string {
  return form.kind === 'missing' ? form.reason : ''
}

function formRows(name: string, form: Form, bareP50: number): string[][] {
  if (form.kind === 'missing') return [[name, '–', '', '', '', `not measured: ${form.reason}`]]
  const spread = (read: (time: PipelineTime) => number) => spreadOf(form.times.map(read))
  return [
    row(
      name,
      spread((time) => time.totalMs),
      bareP50,
    ),
    ...Object.entries({ ...PARTS, ...DETAILS }).map(([part, words]) => {
      const times = spread(({ parts }) => parts[part as keyof typeof parts])
      return [...row(`  ${part in DETAILS ? '  ' : ''}${part}`, times), words]
    }),
  ]
}

function row(name: string, { p50, p25, p75, p95 }: Spread, bareP50?: number): string[] {
  const ratio = bareP50 === undefined ? '' : (p50 / bareP50).toFixed(2)
  return [name, p50.toFixed(1), `${p25.toFixed(0)}–${p75.toFixed(0)}`, p95.toFixed(0), ratio]
}

/** For programs: the last line of the output. */
export function hotpathFigures(all: HotpathTimes): object {
  const bareP50 = all.bare && spreadOf(all.bare.withNetwork).p50
  return {
    runs: all.bare?.withNetwork.length ?? 0,
    bare_p50_ms: bareP50 === undefined ? null : tenths(bareP50),
    bare_no_network_p50_ms: all.bare ? tenths(spreadOf(all.bare.withoutNetwork).p50) : null,
    embedded: formFigures(all.embedded, bareP50),
    distributed: formFigures(all.distributed, bareP50),
  }
}

function formFigures(form: Form, bareP50: number | undefined): object | null {
  if (form.kind === 'missing' || bareP50 === undefined) return null
  const { p50, p95 } = spreadOf(form.times.map(({ totalMs }) => totalMs))
  const p50Of = (names: object) =>
    Object.fromEntries(
      Object.keys(names).map((name) => {
        const times = form.times.map(({ parts }) => parts[name as keyof typeof parts])
        return [name, tenths(spreadOf(times).p50)]
      }),
    )
  return {
    p50_ms: tenths(p50),
    p95_ms: tenths(p95),
    ratio: Math.round((p50 / bareP50) * 1000) / 1000,
    parts: p50Of(PARTS),
    details: p50Of(DETAILS),
  }
}

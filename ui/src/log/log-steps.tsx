import { memo, useState } from 'react'
import type { StepView } from '../../../src/contract/views.ts'
import { formatClock } from '../format.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { statusOf } from '../state/status.ts'
import { CHUNK, type LogSection, type ShownLine } from './log-window.ts'

export interface LogStepsProps {
  readonly steps: readonly StepView[]
  readonly sections: readonly LogSection[]
}

/** Each step with its lines under it; pressing its head folds them. */
export function LogSteps({ steps, sections }: LogStepsProps) {
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set())
  const toggle = (index: number) => {
    setFolded((before) => {
      const after = new Set(before)
      if (!after.delete(index)) after.add(index)
      return after
    })
  }
  const named = new Set(steps.map(({ index }) => index))
  const others = sections.filter(({ step }) => !named.has(step))
  return (
    <>
      {others.map((section) => (
        <Lines key={section.step} sections={[section]} />
      ))}
      {steps.map((step) => {
        const own = sections.filter((section) => section.step === step.index)
        const isOpen = !folded.has(step.index)
        return (
          <section key={step.index} className="step">
            <StepHead step={step} isOpen={isOpen} onToggle={() => toggle(step.index)} />
            {step.reason ? <p className="step-reason">{step.reason}</p> : null}
            {isOpen ? <Lines sections={own} /> : null}
          </section>
        )
      })}
    </>
  )
}

interface StepHeadProps {
  readonly step: StepView
  readonly isOpen: boolean
  readonly onToggle: () => void
}

function StepHead({ step, isOpen, onToggle }: StepHeadProps) {
  return (
    <h3>
      <button type="button" className="step-head" aria-expanded={isOpen} onClick={onToggle}>
        <StatusBadge status={statusOf(step)} isSmall />
        <span className="title">{step.name}</span>
        {step.exitCode ? <span className="exit">exit code {step.exitCode}</span> : null}
        <Duration of={step} />
      </button>
    </h3>
  )
}

function Lines({ sections }: { readonly sections: readonly LogSection[] }) {
  return sections.flatMap(({ chunks }) =>
    chunks.map((chunk) => <Chunk key={chunk[0]?.number} lines={chunk} />),
  )
}

interface ChunkProps {
  readonly lines: readonly ShownLine[]
}

/** Lines never change, so a piece with the same ends is the same. */
const Chunk = memo(
  function Chunk({ lines }: ChunkProps) {
    return (
      <div className={lines.length < CHUNK ? 'chunk' : 'chunk is-full'}>
        {lines.map((line) => (
          <div key={line.number} className={`line from-${line.stream}`}>
            <span className="line-number">{line.number + 1}</span>
            <time>{formatClock(line.at)}</time>
            <span className="text">
              {line.spans.map((span, index) => (
                // oxlint-disable-next-line react/no-array-index-key -- spans never move
                <span key={index} className={span.className || undefined}>
                  {span.text}
                </span>
              ))}
            </span>
          </div>
        ))}
      </div>
    )
  },
  (before, after) =>
    before.lines.length === after.lines.length &&
    before.lines[0] === after.lines[0] &&
    before.lines.at(-1) === after.lines.at(-1),
)

import type { StepView } from '../../../src/contract/rest/views.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { statusOf } from '../state/status.ts'

export interface StepHeadProps {
  readonly step: StepView
  readonly isOpen: boolean
  readonly onToggle: () => void
}

export function StepHead({ step, isOpen, onToggle }: StepHeadProps) {
  const exitCode = step.exitCode ? `exit code ${step.exitCode}` : undefined
  return (
    <h3 className="step">
      <button type="button" className="step-head" aria-expanded={isOpen} onClick={onToggle}>
        <StatusBadge status={statusOf(step)} isSmall />
        <span className="step-words">
          <span className="step-name">{step.name}</span>
          {step.reason ? <span className="step-reason">{step.reason}</span> : null}
          {exitCode && exitCode !== step.reason ? (
            <span className="step-reason">{exitCode}</span>
          ) : null}
        </span>
        <Duration of={step} />
      </button>
    </h3>
  )
}

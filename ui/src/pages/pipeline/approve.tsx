import { STRANGER_WORDS, waitWords } from '../../../../src/contract/rest/stranger-words.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { formatSha } from '../../format.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { ChangedFiles } from './changed-files.tsx'

/** What is being approved: the commit, and the plan if it is known. */
export function reviewedOf({ event, approval }: PipelineView) {
  return { sha: event.sha, ...(approval?.plan === undefined ? {} : { plan: approval.plan }) }
}

/** Approves a stranger's pipeline, or its use of secrets. */
export function Approve({ pipeline }: { readonly pipeline: PipelineView }) {
  const { approval, event } = pipeline
  if (approval?.status !== 'needed' || pipeline.outcome === 'cancelled') return null
  const approve = async () =>
    void (await call('approvePipeline', {
      params: { pipeline: pipeline.id },
      body: reviewedOf(pipeline),
    }))
  return (
    <CommandButton key="approve" run={approve} needs="member">
      {approval.for === 'run' ? 'Approve and run' : 'Approve and run with secrets'}{' '}
      <code>{formatSha(event.sha)}</code>
    </CommandButton>
  )
}

/** Why approval is needed, and what it covers. */
export function ApprovalNotice({ pipeline }: { readonly pipeline: PipelineView }) {
  const { approval, event } = pipeline
  if (approval?.status !== 'needed' || pipeline.outcome === 'cancelled') return null
  const reason = waitWords(approval)
  const why = event.stranger ? `: ${STRANGER_WORDS[event.stranger]}` : ''
  return (
    <div className="notice">
      <p>
        This commit is from a stranger{why}.{' '}
        {approval.for === 'run'
          ? 'Nothing runs until a member approves it.'
          : 'Its jobs get no secrets until a member approves it.'}{' '}
        Approval covers all files of commit <code>{event.sha}</code>, not only narwhal.yml: review
        them first.
      </p>
      {reason === undefined ? null : <p>Reason: {reason}.</p>}
      <ChangedFiles pipeline={pipeline} isOpen />
    </div>
  )
}

import type { RepositoryView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { textOf } from '../../parts/entered.ts'
import { StrangerAccounts } from './stranger-accounts.tsx'

const WORDS = {
  'first-time-contributors': 'of newcomers: nothing of theirs was ever merged here',
  'all-strangers': 'of all strangers',
  nobody: 'of nobody: they are run at once, without secrets',
} as const
const APPROVALS = Object.keys(WORDS) as (keyof typeof WORDS)[]

/** Whose commits are run only once somebody has approved that, and whose are strangers'. */
export function StrangerRules({ repository }: { readonly repository: RepositoryView }) {
  const { approval, isApprovalUnchosen, strangerAccounts = [] } = repository
  const { pipelineFiles, skippedIsOpen } = repository
  const save = async (entered: FormData) => {
    const accounts = textOf(entered, 'accounts')
    const body = {
      approval: APPROVALS.find((one) => one === entered.get('approval')),
      pipelineFiles: entered.has('run-pipeline-files') ? ('run' as const) : ('wait' as const),
      skippedIsOpen: entered.has('skipped-is-open'),
      strangerAccounts: accounts
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(Number),
    }
    await call('changeRepository', { params: { repository: repository.id }, body })
    location.reload()
  }
  return (
    <section className="panel padded">
      <h2>Strangers</h2>
      {isApprovalUnchosen ? (
        <p className="notice">
          This repository was registered before there was a choice: commits of newcomers wait for
          approval now. Save what you want.
        </p>
      ) : null}
      <CommandForm run={save} action="Save">
        <label>
          Commits that wait for approval
          <select name="approval" defaultValue={approval}>
            {Object.entries(WORDS).map(([rule, words]) => (
              <option key={rule} value={rule}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label className="is-check">
          <input
            type="checkbox"
            name="run-pipeline-files"
            defaultChecked={pipelineFiles === 'run'}
          />
          Those of whom something was merged need not wait when they change what is run
        </label>
        <label className="is-check">
          <input type="checkbox" name="skipped-is-open" defaultChecked={skippedIsOpen} />A commit
          for which nothing is run is no success at the forge
        </label>
        <label>
          Accounts that are strangers on its own branches, too (numbers at the forge)
          <input name="accounts" defaultValue={strangerAccounts.join(', ')} />
        </label>
      </CommandForm>
      <StrangerAccounts repository={repository} />
    </section>
  )
}

import type { RepositoryView } from '../../../../src/contract/rest/rest-repositories.ts'
import { call } from '../../api.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { textOf } from '../../parts/entered.ts'
import { StrangerAccounts } from './stranger-accounts.tsx'

const WORDS = {
  'first-time-contributors': 'Newcomers (nothing merged here yet)',
  'all-strangers': 'All strangers',
  nobody: 'Nobody (commits run at once, without secrets)',
} as const
const APPROVALS = Object.keys(WORDS) as (keyof typeof WORDS)[]

/** Whose commits need approval, and which accounts are strangers. */
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
          This repository was registered before this setting existed: commits of newcomers now wait
          for approval. Save to confirm or change that.
        </p>
      ) : null}
      <CommandForm run={save} action="Save">
        <label>
          Require approval for commits of
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
          Authors with merged commits may change pipeline files without approval
        </label>
        <label className="is-check">
          <input type="checkbox" name="skipped-is-open" defaultChecked={skippedIsOpen} />
          Commits without jobs to run are not a success at the forge
        </label>
        <label>
          Accounts that are strangers even on its own branches (ids at the forge)
          <input name="accounts" defaultValue={strangerAccounts.join(', ')} />
        </label>
      </CommandForm>
      <StrangerAccounts repository={repository} />
    </section>
  )
}

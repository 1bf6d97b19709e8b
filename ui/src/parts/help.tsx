import { type Shortcut, useShortcuts } from '../hooks/shortcuts.ts'
import { Dialog } from './dialog.tsx'

/** The keyboard shortcuts of the current page. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const shortcuts = new Map(useShortcuts().map((one): [string, Shortcut] => [one.keys, one]))
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className="help">
        <dl>
          {[...shortcuts.values()].map(({ keys, words }) => (
            <Key key={keys} keys={keys} words={words} />
          ))}
          <Key keys="Esc" words="Close dialog" />
        </dl>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </div>
    </Dialog>
  )
}

function Key({ keys, words }: Shortcut) {
  return (
    <>
      <dt>
        {keys.split(' ').map((key, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- keys never move
          <kbd key={index}>{key}</kbd>
        ))}
      </dt>
      <dd>{words}</dd>
    </>
  )
}

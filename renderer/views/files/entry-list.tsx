/**
 * Entries of a folder as rows or tiles. Only what is in view is in the page; the keyboard reaches everything. Rows are no
 * elements of a table, because those that are not in the page cannot be.
 */
import { Checkbox, UnstyledButton } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Cell } from './entry-cell.tsx';
import { useKeyboard } from './list-keyboard.ts';
import type { ListProps } from './list-props.ts';

/** Heights in pixels. */
const rowHeight = 46;
const tileHeight = 176;
const tileWidth = 168;

/** The list. */
export function EntryList(props: ListProps) {
  const { rows, total, layout, label } = props;
  const { t } = useTranslation();
  const scroll = useRef<HTMLDivElement>(null);
  const { ref: sizeRef, width } = useElementSize();
  const ref = useMergedRef(scroll, sizeRef);
  const columns = layout === 'grid' ? Math.max(2, Math.floor(width / tileWidth)) : 1;
  const virtual = useVirtualizer({
    count: Math.ceil(total / columns),
    getScrollElement: () => scroll.current,
    estimateSize: () => (layout === 'grid' ? tileHeight + 12 : rowHeight),
    overscan: layout === 'grid' ? 4 : 16,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other heights make other rows.
  useEffect(() => virtual.measure(), [layout, columns]);
  const shown = virtual.getVirtualItems();
  const first = (shown[0]?.index ?? 0) * columns;
  const last = ((shown.at(-1)?.index ?? 0) + 1) * columns - 1;
  const { show } = rows;
  useEffect(() => show(first, Math.max(first, last)), [show, first, last]);
  const keyboard = useKeyboard(props, columns, virtual, scroll);
  return (
    <>
      {layout === 'list' && <Heads {...props} />}
      <div
        ref={ref}
        className="files-scroll"
        role="grid"
        aria-label={label}
        aria-rowcount={total}
        aria-multiselectable
        tabIndex={-1}
        onKeyDown={keyboard.onKeyDown}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
          {shown.map((item) => (
            <div
              key={item.key}
              role="presentation"
              className={layout === 'grid' ? 'tiles' : undefined}
              style={{
                position: 'absolute',
                insetInline: 0,
                top: 0,
                height: item.size,
                transform: `translateY(${item.start}px)`,
                ...(layout === 'grid' && { gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }),
              }}
            >
              {Array.from({ length: Math.min(columns, total - item.index * columns) }, (_, column) => {
                const index = item.index * columns + column;
                return (
                  <Cell
                    key={index}
                    {...props}
                    index={index}
                    entry={rows.at(index)}
                    active={keyboard.active === index}
                    onClick={keyboard.onClick}
                    loading={t('common.loading')}
                  />
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </>
  );
}

const heads = [
  ['name', ''],
  ['size', 'num'],
  ['time', 'col-time'],
] as const;

function Heads({ rows, total, view, selected, onSelect, onSort }: ListProps) {
  const { t } = useTranslation();
  const all = selected.size > 0 && selected.size >= total;
  const selectAll = () => {
    if (selected.size > 0) onSelect([]);
    else void rows.range(0, total - 1).then(onSelect);
  };
  return (
    <div className="rows-head">
      <Checkbox
        size="xs"
        aria-label={t('files.selectAll')}
        checked={all}
        indeterminate={selected.size > 0 && !all}
        onChange={selectAll}
      />
      {heads.map(([name, className]) => (
        <UnstyledButton key={name} className={className} fz="sm" fw={600} c="dimmed" onClick={() => onSort(name)}>
          {t(`files.by.${name}`)}
          {view.sort === name &&
            (view.order === 'up' ? (
              <IconArrowUp size={13} aria-label={t('files.ascending')} />
            ) : (
              <IconArrowDown size={13} aria-label={t('files.descending')} />
            ))}
        </UnstyledButton>
      ))}
    </div>
  );
}

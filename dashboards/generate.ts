/** `npm run dashboards` writes dashboards/overview.json from panels.ts; a test holds the committed file to it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { kafkaRows, type Panel, type Row, rows } from './panels.ts';

export const file: string = path.join(import.meta.dirname, 'overview.json');

const HEIGHT = 8;
const COLUMNS = 24;

/** A Grafana dashboard (schema 39, Grafana 11 and later) over any Prometheus data source. */
export function overview(): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of [...rows, ...kafkaRows]) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: place(0, y, COLUMNS, 1),
      panels: [],
    });
    y = addRow(row, panels, y + 1);
  }
  const dashboard = {
    uid: 'riffle-overview',
    title: 'Riffle',
    description: 'What is kept, what is thrown away and why, and whether it keeps up. Written by npm run dashboards.',
    tags: ['riffle'],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus', current: {} }],
    },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** @returns the first free line of the grid */
function addRow({ panels }: Row, all: object[], top: number): number {
  let x = 0;
  let y = top;
  for (const panel of panels) {
    if (x + panel.width > COLUMNS) {
      x = 0;
      y += HEIGHT;
    }
    all.push({ id: all.length + 1, gridPos: place(x, y, panel.width, HEIGHT), ...body(panel) });
    x += panel.width;
  }
  return y + HEIGHT;
}

const place = (x: number, y: number, w: number, h: number) => ({ x, y, w, h });

const datasource = { type: 'prometheus', uid: '${datasource}' };

function body({ title, about, kind, unit, queries, stacked, signed }: Panel): object {
  return {
    type: kind === 'bars' ? 'bargauge' : kind,
    title,
    description: about,
    datasource,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat: legend,
      // Bars and single figures show the present.
      ...(kind === 'timeseries' ? { range: true } : { instant: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(kind === 'timeseries' && {
          custom: {
            fillOpacity: stacked ? 30 : 5,
            stacking: { mode: stacked ? 'normal' : 'none' },
            showPoints: 'never',
          },
          ...(!signed && { min: 0 }),
        }),
      },
      overrides: [],
    },
    options: options(kind),
  };
}

function options(kind: Panel['kind']): object {
  switch (kind) {
    case 'timeseries':
      return { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } };
    case 'bars':
      return { orientation: 'horizontal', displayMode: 'basic', reduceOptions: { calcs: ['lastNotNull'] } };
    case 'stat':
      return { graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } };
  }
}

if (import.meta.main) writeFileSync(file, overview());

/** Colours and sizes. Contrasts are those of WCAG AA in both themes. */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const sea: MantineColorsTuple = [
  '#e8f7f8',
  '#d3edef',
  '#a7dbe0',
  '#77c8d0',
  '#50b6c0',
  '#35a5b0',
  '#1d939e',
  '#0f848e',
  '#0d727b',
  '#075f67',
];

export const theme = createTheme({
  primaryColor: 'sea',
  primaryShade: { light: 8, dark: 8 },
  colors: { sea },
  defaultRadius: 'md',
  fontFamily: 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  headings: { fontWeight: '650', fontFamily: 'inherit' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
});

/** Mantine's own dimmed texts are too faint to be read by everybody. */
export const cssVariables: CSSVariablesResolver = (current) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': current.colors.gray[7],
    '--mantine-color-placeholder': current.colors.gray[7],
    '--mantine-color-error': '#c92a2a',
    '--shoal-line': current.colors.gray[3],
    '--shoal-soft': current.colors.gray[0],
    '--shoal-chosen': sea[0],
  },
  dark: {
    '--mantine-color-dimmed': current.colors.dark[1],
    '--mantine-color-placeholder': current.colors.dark[1],
    '--mantine-color-error': '#ff8787',
    '--shoal-line': current.colors.dark[5],
    '--shoal-soft': current.colors.dark[6],
    '--shoal-chosen': '#12363a',
  },
});

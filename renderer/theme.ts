/** Colours and sizes. Contrasts are those of WCAG AA in both themes. */
import {
  Badge,
  CloseButton,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  type MantineThemeOverride,
  Menu,
  Modal,
} from '@mantine/core';

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

/** The theme. @param closeLabel what buttons that close something are called in the visitor's language. */
export function themeOf(closeLabel: string): MantineThemeOverride {
  return createTheme({
    primaryColor: 'sea',
    primaryShade: { light: 8, dark: 8 },
    colors: { sea },
    defaultRadius: 'md',
    fontFamily: 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
    headings: { fontWeight: '650', fontFamily: 'inherit' },
    cursorType: 'pointer',
    respectReducedMotion: true,
    focusRing: 'auto',
    components: {
      // Attributes of the element are let through, although the type of these properties knows only Mantine's own.
      CloseButton: CloseButton.extend({ defaultProps: { ...({ 'aria-label': closeLabel } as object) } }),
      Badge: Badge.extend({ defaultProps: { tt: 'none', fw: 600 } }),
      // The place that takes the focus first is no item of a menu.
      Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
      Modal: Modal.extend({ defaultProps: { overlayProps: { backgroundOpacity: 0.5 } } }),
    },
  });
}

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

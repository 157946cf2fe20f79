/** The screens of the page that menus and links lead to, in the menu's order (renderer/state/route.ts). */
export const screens = ['files', 'transfers', 'devices', 'share', 'trash', 'health', 'settings'] as const;

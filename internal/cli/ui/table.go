package ui

import (
	"strings"
	"unicode/utf8"
)

// Cell is a piece of a table: text and how it looks.
type Cell struct {
	Text  string
	Style Style // "" leaves it plain
}

// Table is rows of cells in columns as wide as their widest cell. Rows may
// differ in length; an empty row is an empty line.
type Table struct {
	Indent string
	rows   [][]Cell
}

// Row adds a row of plain cells.
func (t *Table) Row(texts ...string) {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i] = Cell{Text: text}
	}
	t.Add(cells...)
}

// Field adds a row with a faint name and a plain value.
func (t *Table) Field(name, value string) { t.Add(Cell{name, Faint}, Cell{Text: value}) }

// Add adds a row.
func (t *Table) Add(cells ...Cell) {
	for i := range cells {
		cells[i].Text = Clean(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// gap stands between two columns.
const gap = "   "

// Write shows the table. Nothing is cut off and no line ends in blanks.
func (t *Table) Write(o *Output) {
	widths := t.widths()
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(o.Paint(cell.Style, cell.Text))
			if later(row[i+1:]) {
				line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell.Text)) + gap)
			}
		}
		if line.Len() == 0 {
			o.Print("")
			continue
		}
		o.Print(t.Indent + line.String())
	}
}

// later reports whether anything follows in a row.
func later(rest []Cell) bool {
	for _, cell := range rest {
		if cell.Text != "" {
			return true
		}
	}
	return false
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell.Text))
		}
	}
	return widths
}

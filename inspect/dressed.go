package inspect

import (
	"fmt"
	"strconv"
	"strings"
)

// dressed warns of columns of which every text is a number but for a currency, a per
// cent sign or separators of thousands: training would make a category of each.
func (d *description) dressed(*Report) (all []Warning) {
	for _, f := range d.features {
		if f.Kind == Category && len(f.texts) > 1 && allDressed(f.texts) {
			all = append(all, Warning{WarnDressed, []string{f.Name}, fmt.Sprintf("numbers written as text, such as %.40q, which training takes for categories", f.texts[len(f.texts)-1]), "write them without signs"})
		}
	}
	return all
}

func allDressed(texts []string) bool {
	signs := strings.NewReplacer("$", "", "€", "", "£", "", "¥", "", "%", "", ",", "", " ", "", "\u00a0", "", "'", "")
	for _, text := range texts {
		if _, err := strconv.ParseFloat(signs.Replace(text), 64); err != nil {
			return false
		}
	}
	return true
}
